/** Run as a process of its own on a home with the secret `main`: dies of an error that carries the secret and the store. */
import { createCredentials } from '@ipfs-kit/credentials'

const credentials = createCredentials({ path: process.argv[2]! })
const secret = await credentials.resolve('credential:main', 's3')
process.stdout.write(`${JSON.stringify({ secret })} ${secret as unknown as string}\n`)
console.error(secret, credentials)
throw Object.assign(new Error('died with main', { cause: secret }), { secret, credentials })
