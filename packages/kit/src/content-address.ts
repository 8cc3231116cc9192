/** Addresses of content as agents see them: `/ipfs/<cid>/name/name`, with the names as they are. */

/**
 * Brings `<cid>/a`, `/ipfs/<cid>/a` and `ipfs://<cid>/a` into one form. Only for addresses that led to
 * content.
 */
export function addressOf(path: string): string {
  const isUrl = path.startsWith('ipfs://')
  const bare = path.replace(/^(?:ipfs:\/\/|\/ipfs\/)/, '')
  const names = bare.split('/').filter((name) => name !== '')
  return `/ipfs/${names.map((name) => (isUrl ? decodeURIComponent(name) : name)).join('/')}`
}

/** The address of an entry of a folder; the entry's own CID where its name cannot stand in a path. */
export function entryAddress(folder: string, name: string, cid: string): string {
  const fits = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
  return fits ? `${folder}/${name}` : `/ipfs/${cid}`
}

/** The last name; undefined for a bare CID. */
export function nameOf(address: string): string | undefined {
  const names = address.split('/').slice(3)
  return names.at(-1)
}

/**
 * Where something that understands links finds the content: the gateway, or `ipfs://` where there is none.
 */
export function linkTo(address: string, gatewayUrl: string | undefined): string {
  const path = address.split('/').slice(2).map(encodeURIComponent).join('/')
  return gatewayUrl === undefined ? `ipfs://${path}` : `${gatewayUrl.replace(/\/$/, '')}/ipfs/${path}`
}
