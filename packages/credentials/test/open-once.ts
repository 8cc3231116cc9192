/** Run as a process of its own: waits for a line on stdin, opens the tokens, and prints the token it then reads. */
import { once } from 'node:events'
import { openTokens, readToken } from '@ipfs-kit/credentials'

process.stdout.write('ready\n')
await once(process.stdin, 'data')
const tokens = await openTokens({ path: process.argv[2]! })
const token = (await readToken(tokens.tokenFile))!
process.stdout.write(`${token} ${tokens.verify(token)?.id}\n`)
process.stdin.destroy()
