/** The other side of a worker: the process that answers. */
import type { Questions, Reply } from './worker.ts'

/** How the questions that a process knows are answered. */
export type Answers = {
  readonly [Name in keyof Questions]?: (
    question: Questions[Name][0],
    log: (line: string) => void,
  ) => Promise<Questions[Name][1]>
}

/** Answers until the asker goes away. */
export function answer(answers: Answers): void {
  const send = (reply: Reply): void => void process.send?.(reply)
  const log = (line: string): void => send({ log: line })
  process.on('message', ({ question, input }: { question: keyof Questions; input: never }) => {
    const reply = answers[question]
    if (reply === undefined) return send({ error: `${question} is not answered here` })
    reply(input, log).then(
      (result) => send({ answer: result }),
      (error: unknown) => send({ error: error instanceof Error ? messageOf(error) : String(error) }),
    )
  })
  // What nobody caught ends the process: say what it was before.
  process.on('uncaughtExceptionMonitor', (error) => send({ error: messageOf(error) }))
  // Whatever is still open when the asker has left: it has its answer.
  process.on('disconnect', () => process.exit())
}

function messageOf(error: Error): string {
  const code = 'code' in error ? `${String(error.code)}: ` : ''
  const cause = error.cause instanceof Error ? ` (${messageOf(error.cause)})` : ''
  return `${code}${error.message}${cause}`
}
