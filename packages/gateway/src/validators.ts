/** Entity tags and the conditions on them (RFC 9110, sections 8.8.3 and 13). */

/** Whether `If-None-Match` names the tag, by weak comparison: then the answer is 304. */
export function noneMatch(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  const opaque = withoutWeak(etag)
  return (header.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []).some(
    (tag) => withoutWeak(tag) === opaque,
  )
}

/** Whether `If-Range` lets a range be served: absent, or the very tag. A date never matches, since no date is sent. */
export function rangeAllowed(header: string | undefined, etag: string): boolean {
  return header === undefined || (header.trim() === etag && !etag.startsWith('W/'))
}

function withoutWeak(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}
