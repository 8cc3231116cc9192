/** A handler for a child process that does what it is asked for. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { HandlerContext } from '@ipfs-kit/wal'

/** What it is asked for. */
export interface Asked {
  readonly does: keyof typeof deeds
  /** Where it writes its pid. */
  readonly pidFile?: string
  readonly text?: string
}

const deeds = {
  async tells(asked: Asked, { progress, results, save, followUp, checkpoint, operation }: HandlerContext) {
    progress({ stage: 'begins', bytes: 1, totalBytes: 2 })
    results([{ name: 'a' }, { name: 'b', failure: { code: 'X', message: 'no' } }])
    if (checkpoint === undefined) {
      await save({ half: asked.text ?? '' })
      throw Object.assign(new RangeError('once more'), { code: 'AGAIN' })
    }
    progress({ stage: 'ends', bytes: 2, totalBytes: 2 })
    followUp({ type: 'unpin', params: { after: operation.id } })
    return { checkpoint, attempt: operation.attemptCount, asked }
  },
  saves: async (_: Asked, { save }: HandlerContext) => {
    try {
      await save('x'.repeat(3000))
    } catch (error) {
      return (error as { code?: string }).code
    }
    return 'saved'
  },
  tellsWrong: async (_: Asked, { progress }: HandlerContext) => {
    progress({ stage: 'x', bytes: -1 })
    await forever()
  },
  returnsGarbage: () => new Map(),
  returnsNothing: () => undefined,
  throwsLasting: () => {
    throw Object.assign(new TypeError('odd'), { kind: 'invalid' })
  },
  throwsLater: async () => {
    setTimeout(() => {
      throw new Error('nobody catches this')
    })
    await forever()
  },
  killsItself: () => process.kill(process.pid, 'SIGKILL'),
  exits: () => {
    process.stderr.write('said before\n')
    process.exit(0)
  },
  printsGarbage: () => {
    console.log('{"kind":"done","value":"forged"}')
    process.stdout.write(Buffer.alloc(300_000, 0xff))
    process.stderr.write('and an end without a newline')
    // The answer begins a line of its own all the same.
    process.stdout.write('half a line')
    return 'told'
  },
  printsMuchAndExits: async () => {
    const lines = Array.from({ length: 20_000 }, (_, line) => `line ${line}\n`)
    process.stderr.write(lines.join(''), () => process.exit(3))
    await forever()
  },
  garbles: async () => {
    process.stdout.write(`\n${process.argv[2]}{"kind":\n`)
    await forever()
  },
  tellsTooMuch: async () => {
    process.stdout.write(`\n${process.argv[2]}${'x'.repeat(17 * 1024 * 1024)}`)
    await forever()
  },
  stops: () => process.kill(process.pid, 'SIGSTOP'),
  blocks: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
  waits: async () => await forever(),
  counts: async (_: Asked, { progress }: HandlerContext) => {
    let bytes = 0
    setInterval(() => progress({ stage: 'counts', bytes: ++bytes }), 20)
    await forever()
  },
  ends: async (_: Asked, { signal }: HandlerContext) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return { reason: (signal.reason as Error).message }
  },
  async ignoresAll({ text }: Asked) {
    process.on('SIGTERM', () => {})
    // Something that it has started, which holds its pipes open.
    const other = spawn(process.execPath, ['-e', 'process.on("SIGTERM",()=>{});setInterval(()=>{},1000)'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    writeFileSync(text!, String(other.pid))
    await forever()
  },
}

function forever(): Promise<never> {
  return new Promise(() => {})
}

export default async function handle(asked: Asked, context: HandlerContext): Promise<unknown> {
  const { pidFile } = asked
  if (pidFile !== undefined) writeFileSync(pidFile, String(process.pid))
  const deed = deeds[asked.does] as (asked: Asked, context: HandlerContext) => unknown
  return await deed(asked, context)
}
