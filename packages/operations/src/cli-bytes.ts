/** Writes an answer of bytes: to standard output, into a file, or unpacked into a folder. */
import { resolve } from 'node:path'
import { type AnswerWriter, partialExitCode, writeLine, writeNote } from './cli-answer.ts'
import { CommandError } from './cli-errors.ts'
import type { Extracted } from './cli-extract.ts'
import { formatBytes } from './cli-progress.ts'
import { saveFile } from './cli-save.ts'
import type { BytesResult } from './operation.ts'

/** What the options of the command say. */
export interface BytesTarget {
  /** A path, or `-` for standard output. */
  readonly output: string | undefined
  readonly force: boolean
}

/**
 * Writes the bytes. A tar archive is unpacked, unless the output is `-`; anything else goes to standard output, unless an
 * output is named.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function writeBytes(
  result: BytesResult,
  target: BytesTarget,
  writer: AnswerWriter,
): Promise<number> {
  const iterator = result.body[Symbol.asyncIterator]()
  const body = { [Symbol.asyncIterator]: () => iterator }
  try {
    return await write({ ...result, body }, target, writer)
  } catch (error) {
    // The body may not have been begun; its sender must hear that nobody wants it.
    await iterator.return?.()
    throw error
  }
}

async function write(
  result: BytesResult,
  { output, force }: BytesTarget,
  writer: AnswerWriter,
): Promise<number> {
  const { stdout, signal, cwd } = writer
  const isArchive = /^application\/x-tar\s*(;|$)/i.test(result.mediaType)
  if (output === '-' || (output === undefined && !isArchive)) {
    if (isArchive && stdout.isTerminal) {
      throw new CommandError('COMMAND_USAGE', 'An archive is not for a terminal; name a path with --output')
    }
    for await (const piece of result.body) await stdout.write(piece, signal)
    return 0
  }
  const path = output === undefined ? undefined : resolve(cwd, output)
  const counted = countBytes(result, writer)
  if (path !== undefined && !isArchive) {
    await saveFile(path, counted.body, { force, signal })
    return report({ output: path, bytes: counted.bytes(), items: 1, failed: 0 }, writer)
  }
  const { extractArchive } = await import('./cli-extract.ts')
  const extracted = await extractArchive(counted.body, {
    output: path,
    cwd,
    force,
    signal,
    onFailure: async (failure) => {
      const { code, message } = failure.failed
      if (writer.json) await writeLine(JSON.stringify(failure), writer)
      else writeNote(`left out ${JSON.stringify(failure.path)}: ${message} (${code})`, writer)
    },
  })
  return report(extracted, writer)
}

function countBytes({ body, size }: BytesResult, { progress }: AnswerWriter) {
  let bytes = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      bytes += piece.byteLength
      progress?.update({ stage: 'writing', bytes, ...(size === undefined ? {} : { totalBytes: size }) })
      yield piece
    }
  }
  return { body: counted(), bytes: () => bytes }
}

/** The answer was written elsewhere, so what is said about it is data with `--json` only. */
async function report(extracted: Extracted, writer: AnswerWriter): Promise<number> {
  const { output, items, bytes } = extracted
  if (writer.json) await writeLine(JSON.stringify(extracted), writer)
  else if (output !== undefined) {
    writer.progress?.end()
    writeNote(`wrote ${output}: ${items} ${items === 1 ? 'item' : 'items'}, ${formatBytes(bytes)}`, writer)
  }
  return partialExitCode(extracted)
}
