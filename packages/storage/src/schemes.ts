/** The schemes of addresses that need no package of their own, and names that somebody configures. */
import type { AddressPlace, AddressScheme } from './address.ts'

/** The name of a store: letters, digits and `. _ ~ -`, at most 255, and not dots alone. For places of schemes. */
export function namedPlace(name: string): AddressPlace {
  return { name, accepts: (text) => namePattern.test(text) }
}

const namePattern = /^(?!\.+$)[A-Za-z0-9._~-]{1,255}$/
// The shape only: whether it decodes is found out where it is used. Qm…, or base32, base36, base58btc, base16.
const cidPattern =
  /^(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{8,}|k[0-9a-z]{8,}|z[1-9A-HJ-NP-Za-km-z]{8,}|f[0-9a-f]{8,})$/

/** `mem://store/key`: an object of a backend in memory, by the backend's name. */
export const memoryScheme: AddressScheme = Object.freeze({
  name: 'mem',
  example: 'mem://scratch/a/b',
  form: 'uri',
  places: [namedPlace('name of a store')],
  keys: 'any',
})

/** `ipfs://<cid>/path`, also written `/ipfs/<cid>/path`: what a CID has, or what lies at a path in it. */
export const ipfsScheme: AddressScheme = Object.freeze({
  name: 'ipfs',
  example: 'ipfs://<cid>/path',
  form: 'uri',
  places: [{ name: 'CID', accepts: (text: string) => cidPattern.test(text) }],
  keys: 'path',
  alias: '/ipfs/',
})

/** `mfs:/path`: a file or folder of the node's own tree. */
export const mfsScheme: AddressScheme = Object.freeze({
  name: 'mfs',
  example: 'mfs:/docs/a.txt',
  form: 'path',
  places: [],
  keys: 'path',
})

/** `name:key`: an object of the backend that is configured under a name. */
export function configuredScheme(name: string): AddressScheme {
  return Object.freeze({ name, example: `${name}:a/b`, form: 'plain', places: [], keys: 'any' })
}
