// A key stands for its owner's session, and a session's token is taken as a bearer of it.
import { bearer } from 'better-auth/plugins';

export default {
  name: 'sessions',
  reference: {
    apiKey: {
      enableSessionForAPIKeys: true,
      enableMetadata: true,
      defaultKeyLength: 43,
      apiKeyHeaders: ['x-api-key', 'x-other-key'],
      rateLimit: { maxRequests: 1000 },
    },
    plugins: [bearer()],
  },
  keymint: `
[[api_key]]
enable_session_for_api_keys = true
enable_metadata = true
api_key_headers = ["x-api-key", "x-other-key"]
rate_limit = { max_requests = 1000, algorithm = "idle-window" }
`,
};
