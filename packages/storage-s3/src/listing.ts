/** Lists objects. A cursor is the last key of the page before, so that nothing moves when objects come and go. */
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { cursorOf, keyOfCursor, type ListPage } from '@ipfs-kit/storage'
import type { Service } from './service.ts'
import { statOf } from './stat.ts'

/** A page of the listing. */
export async function listPage(
  service: Service,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<ListPage> {
  const after = cursor === undefined ? {} : { StartAfter: keyOfCursor(cursor, prefix) }
  // XML cannot hold every character that a key may have.
  const input = {
    Bucket: service.options.bucket,
    Prefix: prefix,
    MaxKeys: limit,
    EncodingType: 'url' as const,
    ...after,
  }
  const page = await service.translate('ListObjectsV2', undefined, () =>
    service.send(new ListObjectsV2Command(input), { signal }),
  )
  const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key
  const entries = (page.Contents ?? []).map((one) => statOf(decode(one.Key ?? ''), one.Size ?? 0, one))
  const last = entries.at(-1)
  return page.IsTruncated === true && last !== undefined
    ? { entries, cursor: cursorOf(last.key) }
    : { entries }
}

/** As forms are encoded: a space may be a plus. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}
