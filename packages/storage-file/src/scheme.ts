/** How files are addressed. */
import type { AddressScheme } from '@ipfs-kit/storage'

/** `file:///srv/data`, also written `file:/srv/data`: a file or folder of the system, by its absolute path. */
export const fileScheme: AddressScheme = Object.freeze({
  name: 'file',
  example: 'file:///srv/data',
  form: 'uri',
  places: [],
  keys: 'path',
})
