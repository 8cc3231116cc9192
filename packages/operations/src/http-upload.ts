/** Turns the body of a request into the stream that an operation takes. */
import type { FastifyRequest } from 'fastify'
import { OperationError } from './errors.ts'
import { noteUnread, readBody, tooLarge } from './http-body.ts'
import type { HttpCall } from './http-call.ts'
import { checkPath, filesOf } from './http-files.ts'
import { boundaryOf, multipartParts } from './http-multipart.ts'
import type { AnyOperation, FileEntry } from './operation.ts'

/** Types that a page of another origin can send unasked, and JSON, which is for inputs. */
const refusedTypes = /^(application\/json|application\/x-www-form-urlencoded|text\/plain|multipart\/.*)$/

/** The type of a body without a byte and without a file, from a sender that does not know which of the two it is. */
const nothingType = 'application/vnd.ipfs-kit.nothing'

/** Limits of {@link uploadOf}. */
export interface UploadLimits {
  readonly maxBytes: number
  readonly maxFiles: number
}

/**
 * The body of an operation.
 *
 * @param filename - path of the one file that a raw body of a `files` operation is
 * @throws `OPERATION_MEDIA_TYPE`, `OPERATION_BODY_TOO_LARGE` by the declared length, `OPERATION_BODY_INVALID` for a
 * multipart body without boundary and an unusable file name. The stream throws the rest.
 */
export function uploadOf(
  request: FastifyRequest,
  entry: AnyOperation,
  call: HttpCall,
  filename: string | undefined,
  { maxBytes, maxFiles }: UploadLimits,
): AsyncIterable<Uint8Array> | AsyncIterable<FileEntry> {
  const { upload, signal } = call
  const type = request.headers['content-type'] ?? ''
  const mediaType = type.split(';', 1)[0]!.trim().toLowerCase()
  const isForm = entry.body === 'files' && mediaType === 'multipart/form-data'
  if (!isForm && (mediaType === '' || refusedTypes.test(mediaType))) {
    const known =
      entry.body === 'files' ? 'application/octet-stream or multipart/form-data' : 'application/octet-stream'
    throw new OperationError(
      'OPERATION_MEDIA_TYPE',
      `Send the body as ${known}, not as ${mediaType || 'a body without content type'}`,
    )
  }
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes) throw tooLarge(`The body has ${declared} bytes, and the limit is ${maxBytes}`)
  const bytes = readBody(request.raw, { maxBytes, signal, upload })
  if (entry.body === 'bytes') return noteUnread(bytes, upload)
  if (mediaType === nothingType) return noteUnread(noFiles(bytes), upload)
  if (!isForm) return noteUnread(oneFile(checkPath(filename ?? 'file'), bytes), upload)
  if (filename !== undefined) {
    throw new OperationError(
      'OPERATION_BODY_INVALID',
      'The query names a file, and so does the multipart body: leave one away',
    )
  }
  const boundary = boundaryOf(type)
  if (boundary === undefined) {
    throw new OperationError('OPERATION_BODY_INVALID', 'The content type names no boundary')
  }
  const files = filesOf(multipartParts(bytes, boundary), { maxFiles, signal, upload })
  return noteUnread(leaving(files, bytes), upload)
}

async function* oneFile(path: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<FileEntry> {
  yield { path, content }
}

async function* noFiles(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<FileEntry> {
  for await (const _ of bytes) {
    throw new OperationError('OPERATION_BODY_INVALID', `A body of type ${nothingType} is empty`)
  }
  yield* []
}

/** Leaves the bytes together with the entries that are made of them. */
async function* leaving(
  entries: AsyncIterable<FileEntry>,
  bytes: AsyncGenerator<Uint8Array>,
): AsyncGenerator<FileEntry> {
  try {
    yield* entries
  } finally {
    // waits: whoever reads a content still waits for the client; leaving the bytes does not fail.
    void bytes.return(undefined)
  }
}
