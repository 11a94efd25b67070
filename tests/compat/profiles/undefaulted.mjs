// Several configurations and no default one; keys of two of them stand for sessions, in the same header; the roles of
// organizations are the plugin's own.
import { organization } from 'better-auth/plugins/organization';

const rateLimit = { maxRequests: 1000 };

export default {
  name: 'undefaulted',
  reference: {
    apiKey: [
      { configId: 'browser', enableSessionForAPIKeys: true, defaultKeyLength: 43, rateLimit },
      { configId: 'mobile', enableSessionForAPIKeys: true, defaultKeyLength: 43, rateLimit },
      { configId: 'team', references: 'organization', defaultKeyLength: 43, rateLimit },
    ],
    plugins: [organization()],
  },
  keymint: `
[[api_key]]
config_id = "browser"
enable_session_for_api_keys = true
rate_limit = { max_requests = 1000, algorithm = "idle-window" }

[[api_key]]
config_id = "mobile"
enable_session_for_api_keys = true
rate_limit = { max_requests = 1000, algorithm = "idle-window" }

[[api_key]]
config_id = "team"
references = "organization"
rate_limit = { max_requests = 1000, algorithm = "idle-window" }
`,
};
