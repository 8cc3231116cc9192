/**
 * The program of a child process: runs one handler, tells the log what that tells, and ends with its answer. It loads nothing but
 * this and the module of the handler.
 */
import { Worker } from 'node:worker_threads'
import { receivedError, sentFailure, type FromChild, type SentFailure, type ToChild } from './messages.ts'
import { checkJson } from '../json.ts'
import type { Json } from '../store/operation.ts'
import type { HandlerContext } from '../wal/wal.ts'

type Run = Extract<ToChild, { kind: 'run' }>

const [mark = '', heartbeatMs = ''] = process.argv.slice(2)
const write = process.stdout.write.bind(process.stdout)
const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const stop = new AbortController()
const saves = new Map<number, (failure: SentFailure | undefined) => void>()

/** A line of its own, whatever the handler has written before. */
function tell(message: FromChild, told?: () => void): void {
  write(`\n${mark}${JSON.stringify(message)}\n`, told)
}

function contextOf(operation: Run['operation']): HandlerContext {
  return {
    operation,
    checkpoint: operation.checkpoint,
    signal: stop.signal,
    progress: (progress) => tell({ kind: 'progress', progress }),
    results: (results) => tell({ kind: 'results', results }),
    save,
    followUp: (followUp) => tell({ kind: 'followUp', operation: followUp }),
  }
}

let saveId = 0
function save(checkpoint: Json): Promise<void> {
  const id = ++saveId
  tell({ kind: 'save', id, checkpoint: checkJson(checkpoint, 'A checkpoint', Infinity) })
  // waits: the log answers each of them, or ends this process.
  return new Promise((resolve, reject) => {
    saves.set(id, (failure) => (failure === undefined ? resolve() : reject(receivedError(failure))))
  })
}

/** Whatever the handler has left behind ends with its answer. */
async function answer(task: Run): Promise<void> {
  tell(await answerOf(task), () => process.exit(0))
}

async function answerOf({ module, params, operation }: Run): Promise<FromChild> {
  try {
    const { default: handler } = (await import(module)) as { default?: unknown }
    if (typeof handler !== 'function') {
      throw Object.assign(new TypeError(`${module} has no function as its default export`), {
        kind: 'invalid',
      })
    }
    const value: unknown = await handler(params, contextOf(operation))
    return value === undefined ? { kind: 'done' } : resultOf(value)
  } catch (error) {
    return { kind: 'failed', failure: sentFailure(error) }
  }
}

function resultOf(value: unknown): FromChild {
  try {
    return { kind: 'done', value: checkJson(value, 'The result', Infinity) }
  } catch (error) {
    return { kind: 'failed', failure: { ...sentFailure(error), code: 'WAL_RESULT_INVALID' } }
  }
}

const watch = new Worker(new URL(`./watch.${ending}`, import.meta.url), { execArgv: [] })
watch.on('message', (message: ToChild) => {
  if (message.kind === 'run') {
    // waits: it answers in any case, and this process ends with it.
    void answer(message)
  } else if (message.kind === 'cancel') {
    stop.abort(new DOMException(message.reason, 'AbortError'))
  } else {
    saves.get(message.id)?.(message.failure)
    saves.delete(message.id)
  }
})
tell({ kind: 'alive' })
// waits: a sign of life, as long as this process lives.
setInterval(() => tell({ kind: 'alive' }), Number(heartbeatMs))
