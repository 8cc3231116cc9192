/** The log's side of the talk with a child process: does what the child asks for, in order, until it has an answer. */
import { createEvent, fromReadable, moveOnAfter, run, sleep } from '@ipfs-kit/concurrency'
import type { OpenProcess, ProcessExit } from '@ipfs-kit/concurrency/node'
import { sentFailure, type FromChild, type ToChild } from './messages.ts'
import { ChildOutput } from './output.ts'
import { WalError } from '../errors.ts'
import type { Json } from '../store/operation.ts'
import type { HandlerContext } from '../wal/wal.ts'

/** How a handler in a child process has ended. */
export type ChildAnswer = Extract<FromChild, { kind: 'done' | 'failed' }>

/** How long what is left in the pipes of a process that has ended may take to be read. */
const lastReadMs = 1000

export class ChildTalk {
  readonly #process: OpenProcess
  readonly #context: HandlerContext
  readonly #output: ChildOutput
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>
  readonly #stdoutEnd = createEvent({ name: 'end of the stdout of a handler' })
  readonly #stderrEnd = createEvent({ name: 'end of the stderr of a handler' })
  /** Messages that have come. */
  heard = 0
  /** Something that it asked for is being done: it is not listened to meanwhile. */
  isBusy = false

  constructor(process: OpenProcess, mark: string, context: HandlerContext) {
    this.#process = process
    this.#context = context
    this.#output = new ChildOutput(mark)
    this.#stdin = process.stdin.getWriter()
  }

  /** The end of what it has written besides messages. */
  get said(): string {
    return this.#output.said
  }

  /** Does what it asks for until it answers. If it ends without, this does not return. @throws what is wrong with what it asks for */
  async listen(): Promise<ChildAnswer> {
    for await (const bytes of fromReadable(this.#process.stdout)) {
      for (const text of this.#output.take(bytes)) {
        this.heard += 1
        const message = messageOf(text)
        if (message.kind === 'done' || message.kind === 'failed') return message
        this.isBusy = true
        await this.#do(message)
        this.isBusy = false
      }
    }
    this.#stdoutEnd.set()
    for (;;) await sleep(Infinity)
  }

  /** Keeps the end of what it writes to stderr. Does not return. */
  async overhear(): Promise<never> {
    for await (const bytes of fromReadable(this.#process.stderr)) this.#output.say(bytes)
    this.#stderrEnd.set()
    for (;;) await sleep(Infinity)
  }

  /** How it has ended, once all that it wrote is read; what it has started may hold its pipes open for ever. */
  async exit(): Promise<ProcessExit> {
    const exit = await this.#process.wait()
    const isRead = async (): Promise<void> => {
      await this.#stdoutEnd.wait()
      await this.#stderrEnd.wait()
    }
    do await moveOnAfter(lastReadMs, isRead)
    while (this.isBusy)
    return exit
  }

  async tell(message: ToChild): Promise<void> {
    try {
      await run(this.#stdin.write(Buffer.from(`${JSON.stringify(message)}\n`)))
    } catch (error) {
      // It has ended: that is noticed by its exit.
      if ((error as { code?: unknown }).code !== 'CONCURRENCY_PROCESS_STDIN_CLOSED') throw error
    }
  }

  async #do(message: Exclude<FromChild, ChildAnswer>): Promise<void> {
    const { progress, results, followUp } = this.#context
    if (message.kind === 'progress') progress(message.progress)
    else if (message.kind === 'results') results(message.results)
    else if (message.kind === 'followUp') followUp(message.operation)
    else if (message.kind === 'save') await this.#save(message.id, message.checkpoint)
  }

  async #save(id: number, checkpoint: Json): Promise<void> {
    try {
      await this.#context.save(checkpoint)
    } catch (error) {
      await this.tell({ kind: 'saved', id, failure: sentFailure(error) })
      return
    }
    await this.tell({ kind: 'saved', id })
  }
}

/** @throws WalError WAL_INTERRUPTED if something else has written into it */
function messageOf(text: string): FromChild {
  try {
    return JSON.parse(text) as FromChild
  } catch (cause) {
    throw new WalError('WAL_INTERRUPTED', 'A message of the process of the handler is garbled', { cause })
  }
}
