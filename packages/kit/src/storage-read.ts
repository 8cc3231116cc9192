/** The operation with which agents read a file. */
import type { FileContent, Ipfs } from '@ipfs-kit/ipfs'
import { inlineContent, inlineFields, isFault, operation, rangeFields } from '@ipfs-kit/operations'
import { z } from 'zod'
import { addressOf, linkTo, nameOf } from './content-address.ts'
import { KitError } from './errors.ts'
import { addressSchema } from './storage-list.ts'

/** The slice of the kit that knows the gateway. */
export interface GatewayView {
  /** Without it links are `ipfs://` addresses. */
  gatewayUrl(): string | undefined
}

/** `storage.read` */
export const storageRead = operation<{
  readonly ipfs: { readonly files: Pick<Ipfs['files'], 'cat'> }
  readonly node: GatewayView
}>()({
  name: 'storage.read',
  summary: 'Read a file or a range of it as text; small binary ranges as base64, larger ones as a link',
  parts: ['ipfs', 'node'],
  input: z.object({
    address: addressSchema,
    ...rangeFields,
  }),
  output: z.object({
    address: z.string().describe('The address in the form /ipfs/<cid>/…'),
    mediaType: z.string().describe('By the extension of its name, else by these bytes'),
    ...inlineFields,
    resource: z
      .object({
        uri: z.string().describe('Where the whole file can be fetched'),
        name: z.string(),
        mimeType: z.string(),
        size: z.number().describe('Bytes of the whole file'),
      })
      .optional()
      .describe(
        'A link in the place of a range that is binary and larger, with length 0: ask for less to get it here',
      ),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: ['mcp'],
  run: async ({ ipfs, node }, input, { signal }) => {
    const content = await open(ipfs.files, input.address, {
      offset: input.offset,
      length: input.length,
      signal,
    })
    const bytes = await collect(content)
    const address = addressOf(input.address)
    const { size, offset } = content
    const inline = inlineContent(bytes, offset + bytes.byteLength >= size)
    const mediaType = await mediaTypeOf(nameOf(address), inline.text !== undefined)
    const isCut = inline.base64 !== undefined && inline.length < bytes.byteLength
    if (!isCut) return { address, mediaType, size, offset, ...inline }
    const uri = linkTo(address, node.gatewayUrl())
    const name = nameOf(address) ?? content.cid.toString()
    return { address, mediaType, size, offset, length: 0, resource: { uri, name, mimeType: mediaType, size } }
  },
})

async function open(
  files: Pick<Ipfs['files'], 'cat'>,
  path: string,
  range: { readonly offset: number; readonly length: number; readonly signal: AbortSignal },
): Promise<FileContent> {
  try {
    return await files.cat(path, range)
  } catch (error) {
    if (!isFault(error) || error.code !== 'IPFS_NOT_A_FILE') throw error
    throw new KitError('KIT_NOT_A_FILE', error.message, { cause: error })
  }
}

async function collect(content: FileContent): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content.body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function mediaTypeOf(name: string | undefined, isText: boolean): Promise<string> {
  // Commands load this table and never read a file this way.
  const { default: mimeTypes } = await import('mime-types')
  const extension = /\.[^.]+$/.exec(name ?? '')?.[0]
  const known = extension === undefined ? false : mimeTypes.contentType(extension)
  return known || (isText ? 'text/plain; charset=utf-8' : 'application/octet-stream')
}
