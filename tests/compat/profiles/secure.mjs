// Behind https, as in production: cookies are for secure connections only.
export default {
  name: 'secure',
  baseUrl: 'https://keys.example.com',
  reference: {
    apiKey: { defaultKeyLength: 43 },
  },
  keymint: `
[[api_key]]
rate_limit = { algorithm = "idle-window" }
`,
};
