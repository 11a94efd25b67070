// Whatever can be forbidden is: sign-up, metadata, lifetimes of one's own, keys without a name; no start is stored.
export default {
  name: 'strict',
  reference: {
    emailAndPassword: { enabled: true, disableSignUp: true },
    apiKey: {
      requireName: true,
      defaultKeyLength: 43,
      keyExpiration: { defaultExpiresIn: 3600, disableCustomExpiresTime: true },
      startingCharactersConfig: { shouldStore: false },
      rateLimit: { enabled: false },
    },
  },
  keymint: `
sign_up = false

[[api_key]]
require_name = true
expiration = { default_seconds = 3600, allow_custom = false }
starting_characters = { store = false }
rate_limit = { enabled = false }
`,
};
