/** The operation with which agents read a file. */
import type { FileContent, Ipfs } from '@ipfs-kit/ipfs'
import { isFault, operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { addressOf, linkTo, nameOf } from './content-address.ts'
import { KitError } from './errors.ts'
import { textOf } from './readable-bytes.ts'
import { addressSchema } from './storage-list.ts'

/** Bytes of one answer at most. */
const maxReadBytes = 1_048_576
/** Bytes that are answered as base64 at most; more binary becomes a link. */
const maxBase64Bytes = 65_536

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
    offset: z.int().min(0).default(0).describe('First byte'),
    length: z.int().min(1).max(maxReadBytes).default(65_536).describe('Number of bytes at most'),
  }),
  output: z.object({
    address: z.string().describe('The address in the form /ipfs/<cid>/…'),
    mediaType: z.string().describe('By the extension of its name, else by these bytes'),
    size: z.number().describe('Bytes of the whole file'),
    offset: z.number().describe('First byte of this answer'),
    length: z
      .number()
      .describe('Bytes of the file in this answer; go on at offset + length. 0 with a resource'),
    text: z
      .string()
      .optional()
      .describe('The range, when it is UTF-8 text; cut at the border of a character'),
    base64: z.string().optional().describe('The range, when it is binary and has at most 65,536 bytes'),
    resource: z
      .object({
        uri: z.string().describe('Where the whole file can be fetched'),
        name: z.string(),
        mimeType: z.string(),
        size: z.number().describe('Bytes of the whole file'),
      })
      .optional()
      .describe('A link, when the range is binary and larger: ask for at most 65,536 bytes to get it here'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'read',
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
    const read = textOf(bytes, offset + bytes.byteLength >= size)
    const mediaType = await mediaTypeOf(nameOf(address), read !== undefined)
    if (read !== undefined) return { address, mediaType, size, offset, length: read.length, text: read.text }
    if (bytes.byteLength <= maxBase64Bytes) {
      const base64 = Buffer.from(bytes).toString('base64')
      return { address, mediaType, size, offset, length: bytes.byteLength, base64 }
    }
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
