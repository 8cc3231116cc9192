/** A process that answers questions, seen from the one that asks them. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Measured } from './row.ts'

/** The questions, by the file that answers them, and their answers. */
export interface Questions {
  /** row-worker.ts */
  measure: [
    { name: string; quick: boolean; only: readonly string[]; folder: string },
    Readonly<Record<string, Measured>>,
  ]
  /** file-import-worker.ts, tree-import-worker.ts */
  import: [{ flavour: string; path: string; amount: number; seed: number }, ImportReport]
  /** quota-worker.ts */
  flood: [{ path: string; maxBytes: number; totalBytes: number; seed: number }, FloodReport]
  /** scale-worker.ts */
  open: [{ path: string }, { seconds: number }]
  fill: [{ from: number; to: number }, { seconds: number }]
  put: [{ from: number; to: number }, { seconds: number }]
  get: [{ entries: number; count: number; seed: number }, { seconds: number }]
  memory: [Record<string, never>, { MiB: number }]
  close: [Record<string, never>, { seconds: number }]
}

/** What an import took. */
export interface ImportReport {
  readonly seconds: number
  /** Most resident memory while it ran, over what there was before. */
  readonly grownMiB: number
  /** Of the root. */
  readonly cid: string
}

/** What flooding a store through its quota brought. */
export interface FloodReport {
  readonly seconds: number
  /** Payload bytes that were put. */
  readonly putBytes: number
  /** Bytes that the disk was given to write. */
  readonly diskBytes: number
  /** Most bytes that files took at any moment: rounded up to 4 KiB each, removed ones while they are open included. */
  readonly peakBytes: number
  readonly longestPutMs: number
  readonly longestFlushMs: number
  readonly puts: number
  readonly pinnedPuts: number
  /** Claimed bytes as a share of the quota: mean over the second half of the run. */
  readonly claimedShare: number
  readonly stats: Readonly<Record<string, unknown>>
}

/** A line for the log, or an answer. */
export type Reply = { readonly log: string } | { readonly answer: unknown } | { readonly error: string }

/** A running process. */
export interface Worker extends AsyncDisposable {
  /** One question at a time. Rejects with what the process failed with, or after `minutes`: then the process is killed. */
  ask<Name extends keyof Questions>(name: Name, question: Questions[Name][0]): Promise<Questions[Name][1]>
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>
}

/** Starts a process from a file that calls `answer`. What it prints goes to stderr. */
export function startWorker(file: URL, log: (line: string) => void): Worker {
  const child = fork(file, {
    // With the last one `ipfs-kit` runs as well: without it V8 collects all garbage every 64 MiB of buffers.
    execArgv: ['--conditions=@ipfs-kit/source', '--expose-gc', '--external-memory-accounted-in-global-limit'],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const ended = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  const name = file.pathname.slice(file.pathname.lastIndexOf('/') + 1)
  return {
    ask: (question, input) =>
      new Promise((resolve, reject) => {
        const onExit = (code: number | null, signal: string | null): void => {
          clearTimeout(deadline)
          reject(new Error(`${name} ended with ${code ?? signal} while it was asked to ${question}`))
        }
        const deadline = setTimeout(() => {
          log(`${name} did not ${question} within ${minutes} minutes`)
          child.kill('SIGKILL')
        }, minutes * 60_000)
        const onMessage = (reply: Reply): void => {
          if ('log' in reply) return log(reply.log)
          clearTimeout(deadline)
          child.off('exit', onExit).off('message', onMessage)
          if ('error' in reply) reject(new Error(reply.error))
          else resolve(reply.answer as Questions[typeof question][1])
        }
        child.on('exit', onExit).on('message', onMessage)
        child.send({ question, input })
      }),
    kill,
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect()
      const deadline = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(deadline)
    },
  }
}

/** Longer than any row takes. */
const minutes = 12
