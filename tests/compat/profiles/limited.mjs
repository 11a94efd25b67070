// Bounds of every kind close enough to be reached, and defaults for what a request leaves out.
export default {
  name: 'limited',
  reference: {
    apiKey: {
      enableMetadata: true,
      defaultKeyLength: 43,
      defaultPrefix: 'lim_',
      minimumPrefixLength: 3,
      maximumPrefixLength: 8,
      minimumNameLength: 3,
      maximumNameLength: 10,
      keyExpiration: { minExpiresIn: 2, maxExpiresIn: 10 },
      startingCharactersConfig: { charactersLength: 10 },
      rateLimit: { timeWindow: 60_000, maxRequests: 3 },
      permissions: { defaultPermissions: { files: ['read'] } },
    },
  },
  keymint: `
[[api_key]]
enable_metadata = true
default_prefix = "lim_"
prefix_length = { min = 3, max = 8 }
name_length = { min = 3, max = 10 }
expiration = { min_days = 2, max_days = 10 }
starting_characters = { length = 10 }
rate_limit = { window_ms = 60000, max_requests = 3, algorithm = "idle-window" }
permissions = { files = ["read"] }
wildcards = false
`,
};
