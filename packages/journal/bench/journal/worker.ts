/** A process with a home, seen from the one that asks it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'

/** The questions and their answers. */
export interface Questions {
  /** Writes files into another home, and removes it: what runs for the first time is not what is measured. */
  warmUp: [{ path: string }, void]
  open: [{ path: string; checkpointChanges?: number }, Opened]
  /** Writes files with 64 writers, from a number up to another. */
  create: [{ from: number; to: number }, { seconds: number; cpuSeconds: number }]
  /** Writes files until the process is killed. Answered at once. */
  createOn: [{ from: number }, void]
  /** Appends so many records of 1 KiB to a log of its own with 64 appenders. */
  appendRecords: [{ path: string; count: number }, { seconds: number }]
  /** Counts the files, and reads some of them. Rejects if one of the first so many is not there as it was written. */
  check: [{ files: number }, { found: number }]
  checkpoint: [Record<string, never>, { seconds: number }]
  /** The first page of the folder of the files. */
  firstPage: [Record<string, never>, { ms: number; entries: number }]
  /** Writes one file of so many bytes, by `journal.write` or by `files.add`, after one of 32 MiB. */
  writeLarge: [{ by: 'journal' | 'add'; bytes: number; seed: number }, { seconds: number; cid: string }]
  memory: [Record<string, never>, { MiB: number; peakMiB: number }]
  close: [Record<string, never>, void]
}

/** What an opening has found. */
export interface Opened {
  /** Seconds. */
  readonly node: number
  readonly journal: number
  /** Seconds of all processors for both. */
  readonly cpu: number
  /** Changes that were done again. */
  readonly changes: number
}

/** A line for the log, or an answer. */
export type Reply = { readonly answer: unknown } | { readonly error: string }

/** A running process. */
export interface Worker extends AsyncDisposable {
  /** One question at a time. Rejects with what the process failed with. */
  ask<Name extends keyof Questions>(name: Name, question: Questions[Name][0]): Promise<Questions[Name][1]>
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>
}

/** Starts one. */
export function startWorker(): Worker {
  const child = fork(new URL('home-worker.ts', import.meta.url), {
    // With the last one `ipfs-kit` runs as well: without it V8 collects all garbage every 64 MiB of buffers.
    execArgv: ['--conditions=@ipfs-kit/source', '--expose-gc', '--external-memory-accounted-in-global-limit'],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const ended = once(child, 'exit')
  return {
    ask: (question, input) =>
      new Promise((resolve, reject) => {
        const onExit = (code: number | null, signal: string | null): void => {
          reject(new Error(`The worker ended with ${code ?? signal} while it was asked to ${question}`))
        }
        child.once('exit', onExit).once('message', (reply: Reply) => {
          child.off('exit', onExit)
          if ('error' in reply) reject(new Error(reply.error))
          else resolve(reply.answer as Questions[typeof question][1])
        })
        child.send({ question, input })
      }),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
