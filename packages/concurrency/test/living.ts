import { readdirSync, readFileSync } from 'node:fs'

/** Whether a process lives. One that only waits for its parent to look is dead. */
export function lives(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const state = text.slice(text.lastIndexOf(')') + 2)[0]
    return state !== 'Z' && state !== 'X'
  } catch {
    return false
  }
}

/** The processes that live and were started with `entry` in their environment. */
export function livingWith(entry: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => lives(pid) && environment(pid).includes(entry))
}

function environment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

/** Reads whole lines of text from a stream of bytes. */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  let rest = ''
  for await (const text of stream.pipeThrough(new TextDecoderStream() as never) as AsyncIterable<string>) {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    yield* parts
  }
}

/** The numbers on the next line. */
export async function nextNumbers(source: AsyncGenerator<string, void, void>): Promise<number[]> {
  const { value } = await source.next()
  return String(value).trim().split(/\s+/).map(Number)
}
