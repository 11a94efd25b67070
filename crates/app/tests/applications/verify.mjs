// Reads requests from standard input, and writes for each of them the claims of its assertion, or why it is refused.
import { text } from 'node:stream/consumers'
import { claimsOf } from './claims.mjs'

const answers = []
for (const request of JSON.parse(await text(process.stdin))) {
  answers.push(
    await claimsOf(request).then(
      (claims) => ({ claims }),
      (error) => ({ refused: `${error.code ?? error.name}: ${error.message}` }),
    ),
  )
}
console.log(JSON.stringify(answers))
