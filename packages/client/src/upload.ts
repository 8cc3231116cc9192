/** Turns the body of a call into what `fetch` sends. */
import type { Progress } from '@ipfs-kit/operations'
import type { ClientBody, ClientFileEntry } from './client.ts'
import { failedPart, formEnd, newBoundary, partHeader } from './multipart.ts'
import { gatheredStream } from './gathered-stream.ts'

/** A body ready to be sent. */
export interface Upload {
  readonly mediaType: string
  readonly body: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>
  /** Path of the one file that the body is. */
  readonly filename?: string
  /** Throws what the source of the body threw. */
  check(): void
  /** Leaves the source of the body where it is. */
  leave(): void
}

const octets = 'application/octet-stream'
/** Neither a byte nor a file: an iterable that ends at once does not tell which of the two it would have given. */
const nothing = 'application/vnd.ipfs-kit.nothing'

/** A body without a source that could fail or be left. */
const settled = { check() {}, leave() {} }

type AnyBody = NonNullable<ClientBody<'bytes'> | ClientBody<'files'>>
type Report = (progress: Progress) => void

/**
 * Prepares a body. Bytes and blobs are sent with their length. So is a list of files whose contents are bytes and blobs
 * if there is a blob among them: it becomes a blob itself, which browsers can send and do not keep in memory. Whatever
 * else is a stream.
 *
 * @throws TypeError for a body that is none; what its iterable throws for its first value
 */
export async function uploadOf(body: AnyBody, report: Report): Promise<Upload> {
  if (body instanceof Uint8Array || body instanceof Blob) return wholeUpload(body, report)
  if (Array.isArray(body)) {
    const files = body as readonly ClientFileEntry[]
    const only = files.length === 1 ? files[0] : undefined
    if (only?.content !== undefined && only.failed === undefined && !only.path.includes('/')) {
      const { content, path } = only
      return {
        ...(isWhole(content) ? wholeUpload(content, report) : streamUpload(content, octets, report)),
        filename: path,
      }
    }
    if (
      files.some(({ content }) => content instanceof Blob) &&
      files.every(({ content }) => content === undefined || isWhole(content))
    ) {
      return blobForm(files, report)
    }
  }
  return streamedUpload(body as AsyncIterable<unknown> | Iterable<unknown>, report)
}

function isWhole(content: ClientFileEntry['content']): content is Uint8Array | Blob {
  return content instanceof Uint8Array || content instanceof Blob
}

function wholeUpload(bytes: Uint8Array | Blob, report: Report): Upload {
  const total = bytes instanceof Blob ? bytes.size : bytes.length
  report({ stage: 'uploading', bytes: total, totalBytes: total })
  return {
    mediaType: octets,
    body: bytes instanceof Blob ? bytes : (bytes as Uint8Array<ArrayBuffer>),
    ...settled,
  }
}

function blobForm(files: readonly ClientFileEntry[], report: Report): Upload {
  const boundary = newBoundary()
  const parts: (Uint8Array<ArrayBuffer> | Blob)[] = []
  for (const { path, content, failed } of files) {
    if (failed !== undefined) {
      parts.push(failedPart(boundary, path, failed))
    } else {
      parts.push(partHeader(boundary, path, content === undefined))
      if (isWhole(content)) parts.push(content as Uint8Array<ArrayBuffer> | Blob)
    }
  }
  const form = new Blob([...parts, formEnd(boundary)])
  report({ stage: 'uploading', bytes: form.size, totalBytes: form.size, items: files.length })
  return { mediaType: formType(boundary), body: form, ...settled }
}

function formType(boundary: string): string {
  return `multipart/form-data; boundary=${boundary}`
}

/** Looks at the first value to see whether an iterable gives bytes or files. */
async function streamedUpload(
  body: AsyncIterable<unknown> | Iterable<unknown>,
  report: Report,
): Promise<Upload> {
  const values = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]()
  const first = await values.next()
  const all = prepended(first, values)
  if (first.done === true) return { mediaType: nothing, body: '', ...settled }
  if (first.value instanceof Uint8Array) return streamUpload(all as AsyncIterable<Uint8Array>, octets, report)
  if (typeof first.value !== 'object' || first.value === null || !('path' in first.value)) {
    throw new TypeError('A body is bytes, a Blob, an iterable of bytes, or an iterable of files')
  }
  const boundary = newBoundary()
  const progress = { items: 0 }
  const form = formPieces(all as AsyncIterable<ClientFileEntry>, boundary, progress)
  return streamUpload(form, formType(boundary), (done) => report({ ...done, items: progress.items }))
}

async function* prepended<T>(
  first: IteratorResult<T>,
  rest: Iterator<T> | AsyncIterator<T>,
): AsyncGenerator<T> {
  let step = first
  try {
    while (step.done !== true) {
      yield step.value
      step = await rest.next()
    }
  } finally {
    if (step.done !== true) await rest.return?.()
  }
}

async function* formPieces(
  files: AsyncIterable<ClientFileEntry>,
  boundary: string,
  progress: { items: number },
): AsyncGenerator<Uint8Array> {
  for await (const { path, content, failed } of files) {
    if (failed === undefined) {
      yield partHeader(boundary, path, content === undefined)
      try {
        if (content instanceof Uint8Array) yield content
        else if (content !== undefined) yield* content instanceof Blob ? blobPieces(content) : content
      } catch (error) {
        if (!isEntryReadError(error)) throw error
        yield failedPart(boundary, path, error)
      }
    } else {
      yield failedPart(boundary, path, failed)
    }
    progress.items += 1
  }
  yield formEnd(boundary)
}

async function* blobPieces(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader()
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value
  } finally {
    await reader.cancel()
  }
}

/** By its name, because its class lives in a module that browsers cannot load. */
function isEntryReadError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error &&
    error.name === 'EntryReadError' &&
    'code' in error &&
    typeof error.code === 'string'
  )
}

function streamUpload(pieces: AsyncIterable<Uint8Array>, mediaType: string, report: Report): Upload {
  let failure: { readonly error: unknown } | undefined
  const { stream, leave } = gatheredStream(pieces, {
    onSent: (bytes) => report({ stage: 'uploading', bytes }),
    onFailure: (error) => {
      failure = { error }
    },
  })
  return {
    mediaType,
    body: stream,
    leave,
    check() {
      if (failure !== undefined) throw failure.error
    },
  }
}
