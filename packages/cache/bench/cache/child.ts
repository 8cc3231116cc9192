/** A process that answers one question at a time. */
import { fork } from 'node:child_process'
import { once } from 'node:events'

export interface Child extends AsyncDisposable {
  /** Rejects when the process ends instead of answering, or after ten minutes. */
  ask<T>(question: unknown): Promise<T>
}

const deadlineMs = 600_000

/** Starts a process; resolves when it has said that it is ready. What it prints goes to stderr. */
export async function startChild(file: URL, args: readonly string[]): Promise<Child> {
  const child = fork(file, args, {
    execArgv: ['--conditions=@ipfs-kit/source', '--expose-gc', '--max-old-space-size=8192'],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const ended = once(child, 'exit')
  const answer = async (): Promise<unknown> => {
    const deadline = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
    try {
      return await Promise.race([
        once(child, 'message').then(([message]: unknown[]) => message),
        ended.then(([code, signal]: unknown[]) => {
          throw new Error(`${file.pathname} ended with ${String(code ?? signal)}`)
        }),
      ])
    } finally {
      clearTimeout(deadline)
    }
  }
  await answer()
  return {
    ask: async <T>(question: unknown): Promise<T> => {
      const answered = answer()
      child.send(question as object)
      return (await answered) as T
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
