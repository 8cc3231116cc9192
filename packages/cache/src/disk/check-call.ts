/** Checks of what only the calls of a disk cache are given. */

const maxMetadataBytes = 4096
const mediaTypeForm = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+ *(;[\t\x20-\x7e]*)?$/

/** Infinity is never. @throws RangeError */
export function checkTtl(ms: number): void {
  if (typeof ms !== 'number' || !(ms > 0))
    throw new RangeError(`ttlMs is a number of milliseconds above 0, or Infinity, not ${ms}`)
}

/** Empty for none. @throws TypeError */
export function checkMediaType(mediaType: string | undefined): string {
  if (mediaType === undefined) return ''
  if (typeof mediaType === 'string' && mediaType.length <= 255 && mediaTypeForm.test(mediaType))
    return mediaType
  throw new TypeError(
    'mediaType is type/subtype, with or without parameters, 255 characters of ASCII at most',
  )
}

/** As JSON; empty for none. @throws TypeError, RangeError */
export function checkMetadata(metadata: Readonly<Record<string, string>> | undefined): string {
  if (metadata === undefined) return ''
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw new TypeError('metadata is an object of texts')
  for (const value of Object.values(metadata)) {
    if (typeof value !== 'string') throw new TypeError(`metadata has texts, and no ${typeof value}`)
  }
  const json = JSON.stringify(Object.fromEntries(Object.entries(metadata)))
  if (Buffer.byteLength(json) > maxMetadataBytes)
    throw new RangeError(`metadata has ${maxMetadataBytes} bytes of JSON at most`)
  return json === '{}' ? '' : json
}
