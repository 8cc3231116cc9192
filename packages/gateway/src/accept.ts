/** The Accept header (RFC 9110, section 12.5.1). */

/** A media range that the client takes. */
export interface Accepted {
  /** Lower case: `application/vnd.ipld.car`, `text/html`. */
  readonly mediaType: string
  /** Parameters without `q`, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** What the client takes, the best first; what it refuses (`q=0`) is left out. */
export function parseAccept(header: string | undefined): readonly Accepted[] {
  if (header === undefined) return []
  const accepted: { readonly entry: Accepted; readonly quality: number }[] = []
  for (const part of header.split(',')) {
    const [mediaType = '', ...rest] = part.split(';').map((piece) => piece.trim())
    if (mediaType === '') continue
    const parameters = new Map<string, string>()
    for (const piece of rest) {
      const equals = piece.indexOf('=')
      if (equals > 0)
        parameters.set(piece.slice(0, equals).trim().toLowerCase(), unquoted(piece.slice(equals + 1).trim()))
    }
    const quality = Number(parameters.get('q') ?? 1)
    parameters.delete('q')
    if (quality > 0) accepted.push({ entry: { mediaType: mediaType.toLowerCase(), parameters }, quality })
  }
  return accepted.toSorted((left, right) => right.quality - left.quality).map(({ entry }) => entry)
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}
