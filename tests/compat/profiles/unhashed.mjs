// Keys are stored as they are.
export default {
  name: 'unhashed',
  reference: {
    apiKey: { disableKeyHashing: true, defaultKeyLength: 43, rateLimit: { maxRequests: 1000 } },
  },
  keymint: `
[[api_key]]
disable_key_hashing = true
rate_limit = { max_requests = 1000, algorithm = "idle-window" }
`,
};
