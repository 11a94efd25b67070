// Several configurations, one of them for organizations, with roles that may do some things and not others.
import { createAccessControl } from 'better-auth/plugins/access';
import { defaultRoles, defaultStatements } from 'better-auth/plugins/organization/access';
import { organization } from 'better-auth/plugins/organization';

const ACTIONS = ['create', 'read', 'update', 'delete'];
const control = createAccessControl({ ...defaultStatements, apiKey: ACTIONS });
const roles = {
  owner: control.newRole({ ...defaultRoles.owner.statements, apiKey: ACTIONS }),
  admin: control.newRole({ ...defaultRoles.admin.statements, apiKey: ACTIONS }),
  member: control.newRole({ ...defaultRoles.member.statements, apiKey: ['read'] }),
  editor: control.newRole({ apiKey: ['create', 'update'] }),
  visitor: control.newRole({ ...defaultRoles.member.statements }),
};
const rateLimit = { maxRequests: 1000 };

export default {
  name: 'several',
  reference: {
    apiKey: [
      { configId: 'default', enableMetadata: true, defaultKeyLength: 43, rateLimit },
      { configId: 'partners', defaultPrefix: 'pk_', defaultKeyLength: 43, maximumNameLength: 5, rateLimit },
      { configId: 'metered', defaultKeyLength: 43, rateLimit: { timeWindow: 60_000, maxRequests: 1 } },
      { configId: 'checked', defaultPrefix: 'ck_', defaultKeyLength: 43, rateLimit },
      { configId: 'team', references: 'organization', enableMetadata: true, defaultKeyLength: 43, rateLimit },
    ],
    plugins: [organization({ ac: control, roles })],
  },
  keymint: `
[organization.roles]
admin = ["create", "read", "update", "delete"]
member = ["read"]
editor = ["create", "update"]
visitor = []

[[api_key]]
config_id = "default"
enable_metadata = true
rate_limit = { max_requests = 1000, algorithm = "idle-window" }

[[api_key]]
config_id = "partners"
default_prefix = "pk_"
name_length = { max = 5 }
rate_limit = { max_requests = 1000, algorithm = "idle-window" }

[[api_key]]
config_id = "metered"
rate_limit = { window_ms = 60000, max_requests = 1, algorithm = "idle-window" }

[[api_key]]
config_id = "checked"
default_prefix = "ck_"
key_format = "checked"
rate_limit = { max_requests = 1000, algorithm = "idle-window" }

[[api_key]]
config_id = "team"
references = "organization"
enable_metadata = true
rate_limit = { max_requests = 1000, algorithm = "idle-window" }
`,
};
