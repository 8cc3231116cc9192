/** Handlers in child processes: what they do to their process or its loop, they do not do to the log. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createEvent, moveOnAfter, race, shield, sleep } from '@ipfs-kit/concurrency'
import { openProcess, type OpenProcess, type ProcessExit } from '@ipfs-kit/concurrency/node'
import { receivedError, type ToChild } from './messages.ts'
import { ChildTalk, type ChildAnswer } from './talk.ts'
import { WalError } from '../errors.ts'
import { checkJson } from '../json.ts'
import { checkKeys, checkList, checkText, wholeNumber } from '../option-checks.ts'
import type { HandlerContext, OperationHandler } from '../wal/wal.ts'

/** Options of {@link childHandler}, besides those of every handler. */
export interface ChildHandlerOptions<Params = any, Result = any> extends Omit<
  OperationHandler<Params, Result>,
  'run'
> {
  /**
   * The file of a module whose default export is a function such as `run` of a handler. It is given the parameters as the schema
   * reads them, and they have to be JSON. `stdin` of its process is the log's.
   */
  readonly module: URL
  /** Arguments of Node, such as `--max-old-space-size=512`. Default none. */
  readonly nodeArgs?: readonly string[]
  /** Milliseconds between two signs of life, 10 to 60,000. Default 1,000. */
  readonly heartbeatMs?: number
  /** Milliseconds without one after which it is killed, at least twice `heartbeatMs`. Its start counts. Default 30,000. */
  readonly silentMs?: number
  /** Milliseconds between the message that the attempt is cancelled and SIGTERM. Default 5,000. */
  readonly cancelMs?: number
  /** Milliseconds between SIGTERM and SIGKILL. Default 2,000. */
  readonly killAfterMs?: number
}

type Limits = Required<
  Pick<ChildHandlerOptions, 'module' | 'nodeArgs' | 'heartbeatMs' | 'silentMs' | 'cancelMs' | 'killAfterMs'>
>

/** How an attempt in a child process has ended. */
type ChildEnd =
  | ChildAnswer
  | { readonly kind: 'gone'; readonly exit: ProcessExit }
  | { readonly kind: 'silent' }
  | { readonly kind: 'stopped' }

const program = new URL(`./program.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
const day = 86_400_000

/**
 * A handler whose attempts run in a process each. One whose process ends without an answer, or gives no sign of life for
 * `silentMs`, is killed and waited for with all that it has started, and its attempt is interrupted: counted, and tried again.
 *
 * @throws TypeError, RangeError for options
 */
export function childHandler<Params, Result>(
  options: ChildHandlerOptions<Params, Result>,
): OperationHandler<Params, Result> {
  const { module, nodeArgs = [], heartbeatMs, silentMs, cancelMs, killAfterMs, ...handler } = options
  const known = ['params', 'result', 'cids', 'maxAttempts', 'timeoutMs', 'onInterrupted', 'isRetryable']
  checkKeys(handler, known, 'childHandler')
  if (!(module instanceof URL) || module.protocol !== 'file:')
    throw new TypeError('module is the URL of a file')
  checkList(nodeArgs, 'nodeArgs', 100)
  for (const arg of nodeArgs) checkText(arg, 'An argument of Node', 10_000)
  const everyMs = wholeNumber(heartbeatMs, 'heartbeatMs', 10, 60_000, 1000)
  const limits: Limits = {
    module,
    nodeArgs,
    heartbeatMs: everyMs,
    silentMs: wholeNumber(silentMs, 'silentMs', 2 * everyMs, day, Math.max(30_000, 2 * everyMs)),
    cancelMs: wholeNumber(cancelMs, 'cancelMs', 0, day, 5000),
    killAfterMs: wholeNumber(killAfterMs, 'killAfterMs', 0, day, 2000),
  }
  return { ...handler, run: (params, context) => attend(limits, params, context) as Promise<Result> }
}

/** Runs an attempt, and returns when its process and all that it has started are gone. */
async function attend(limits: Limits, params: unknown, context: HandlerContext): Promise<unknown> {
  context.signal.throwIfAborted()
  const task: ToChild = {
    kind: 'run',
    module: limits.module.href,
    params: checkJson(params, 'What the schema makes of the parameters', Infinity),
    operation: context.operation,
  }
  // A cancelled attempt is told to its process first: not the scope ends it.
  return await shield(async () => {
    const mark = randomUUID()
    await using child = await start(limits, mark)
    const talk = new ChildTalk(child, mark, context)
    const end = await race<() => Promise<ChildEnd>>([
      () => talk.listen(),
      () => talk.overhear(),
      () => begun(talk, task),
      () => silent(talk, limits),
      () => stopped(talk, context.signal, limits),
      async () => ({ kind: 'gone', exit: await talk.exit() }),
    ])
    if (end.kind === 'stopped') throw context.signal.reason
    if (end.kind === 'silent') throw interrupted(`gave no sign of life for ${limits.silentMs} ms`, talk)
    if (end.kind === 'gone') throw interrupted(`${howEnded(end.exit)} without an answer`, talk)
    // It ends by itself now.
    await moveOnAfter(limits.killAfterMs, () => child.wait())
    if (end.kind === 'failed') throw receivedError(end.failure)
    return end.value
  })
}

async function start({ nodeArgs, heartbeatMs, killAfterMs }: Limits, mark: string): Promise<OpenProcess> {
  const args = [...nodeArgs, fileURLToPath(program), mark, String(heartbeatMs)]
  try {
    return await openProcess(process.execPath, args, { killAfterMs })
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'CONCURRENCY_PROCESS_NOT_STARTED') throw cause
    throw new WalError('WAL_INTERRUPTED', (cause as Error).message, { cause })
  }
}

/** Tells it what to do. Does not return. */
async function begun(talk: ChildTalk, task: ToChild): Promise<never> {
  await talk.tell(task)
  for (;;) await sleep(Infinity)
}

/** Waits until it has been silent for too long. A look that comes late counts as one: then this process was held up. */
async function silent(talk: ChildTalk, { heartbeatMs, silentMs }: Limits): Promise<ChildEnd> {
  for (let silenceMs = 0; silenceMs < silentMs; silenceMs += heartbeatMs) {
    const { heard } = talk
    await sleep(heartbeatMs)
    if (talk.heard !== heard || talk.isBusy) silenceMs = -heartbeatMs
  }
  return { kind: 'silent' }
}

/** Waits until the attempt is cancelled, tells that, and waits for as long as the handler has to end. */
async function stopped(talk: ChildTalk, signal: AbortSignal, { cancelMs }: Limits): Promise<ChildEnd> {
  const stop = createEvent({ name: 'cancellation of a handler in a child process' })
  signal.addEventListener('abort', () => stop.set(), { once: true })
  if (signal.aborted) stop.set()
  await stop.wait()
  const { reason } = signal as { readonly reason: unknown }
  await moveOnAfter(cancelMs, async () => {
    await talk.tell({ kind: 'cancel', reason: reason instanceof Error ? reason.message : String(reason) })
    await sleep(Infinity)
  })
  return { kind: 'stopped' }
}

function howEnded({ exitCode, signal }: ProcessExit): string {
  return signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`
}

function interrupted(how: string, { said }: ChildTalk): WalError {
  const last = said === '' ? '' : `; it wrote last: ${said}`
  return new WalError('WAL_INTERRUPTED', `The process of the handler ${how}${last}`)
}
