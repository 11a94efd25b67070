// Everything at its default, with metadata on and limits that no scenario reaches.
import { TRUSTED_ORIGIN } from '../settings.mjs';

export default {
  name: 'plain',
  trustedOrigins: [TRUSTED_ORIGIN],
  reference: {
    apiKey: { enableMetadata: true, defaultKeyLength: 43, rateLimit: { maxRequests: 1000 } },
  },
  keymint: `
[[api_key]]
enable_metadata = true
key_length = 32
rate_limit = { max_requests = 1000, algorithm = "idle-window" }
`,
};
