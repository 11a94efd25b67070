// Users may be banned. The tables are Better Auth's on both sides, since only its admin plugin adds the columns.
import { admin } from 'better-auth/plugins';

export default {
  name: 'banning',
  madeByReference: true,
  reference: {
    apiKey: { enableSessionForAPIKeys: true, defaultKeyLength: 43, rateLimit: { maxRequests: 1000 } },
    plugins: [admin()],
  },
  keymint: `
[[api_key]]
enable_session_for_api_keys = true
rate_limit = { max_requests = 1000, algorithm = "idle-window" }
`,
};
