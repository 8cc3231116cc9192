/** Content-Disposition (RFC 6266, with the encoding of RFC 8187). */

const maxNameLength = 255

/** The header for a file name. What is not printable ASCII is `_` in the plain form and exact in the encoded one. */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  const cut = Array.from(name.toWellFormed()).slice(0, maxNameLength).join('').replaceAll(/[/\\]/g, '_')
  const plain = Array.from(cut, (character) =>
    /^[\x20-\x7e]$/.test(character) && !'"%'.includes(character) ? character : '_',
  ).join('')
  const header = `${kind}; filename="${plain}"`
  return plain === cut ? header : `${header}; filename*=UTF-8''${extended(cut)}`
}

function extended(name: string): string {
  return encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
