/** Operations that answer as a test says, and what is published about them. */
import diagnosticsChannel from 'node:diagnostics_channel'
import { operation } from '@ipfs-kit/operations'
import type { AnyOperation, BytesResult } from '@ipfs-kit/operations'
import { onTestFinished } from 'vitest'
import { z } from 'zod'

export const lineOutput = z.object({ n: z.number() })

export function lines(
  run: (signal: AbortSignal) => AsyncIterable<unknown>,
  body: 'none' | 'bytes' = 'none',
): AnyOperation {
  return operation<object>()({
    name: 'test.lines',
    summary: 'Give lines.',
    parts: [],
    input: z.object({}),
    output: lineOutput,
    body,
    returns: 'lines',
    effect: 'read',
    scope: 'content:read',
    doors: ['cli'],
    run: (_parts, _input, { signal }, bytes) => {
      if (bytes === undefined) return run(signal) as AsyncIterable<z.output<typeof lineOutput>>
      return uploadThenLines(bytes as AsyncIterable<Uint8Array>, run(signal)) as AsyncIterable<
        z.output<typeof lineOutput>
      >
    },
  })
}

/** A line before the body, a line after each piece, and then the others. */
async function* uploadThenLines(body: AsyncIterable<Uint8Array>, rest: AsyncIterable<unknown>) {
  yield { n: -1 }
  for await (const piece of body) yield { n: piece.length }
  yield* rest
}

export function bytes(run: (signal: AbortSignal) => Promise<BytesResult>): AnyOperation {
  return operation<object>()({
    name: 'test.bytes',
    summary: 'Give bytes.',
    parts: [],
    input: z.object({}),
    output: z.never(),
    body: 'none',
    returns: 'bytes',
    effect: 'read',
    scope: 'content:read',
    doors: ['cli'],
    run: (_parts, _input, { signal }) => run(signal),
  })
}

export function value(run: () => Promise<unknown>, output: z.ZodType = z.any()): AnyOperation {
  return operation<object>()({
    name: 'test.value',
    summary: 'Give a value.',
    parts: [],
    input: z.object({}),
    output,
    body: 'none',
    returns: 'value',
    effect: 'read',
    scope: 'content:read',
    run,
  })
}

export const secret = new Error('ENOENT: no such file /home/someone/secret')
export const conflict = Object.assign(new Error('It is pinned'), {
  code: 'TEST_PINNED',
  kind: 'conflict',
  next: 'Unpin it.',
})

export function listen<T>(name: string): T[] {
  const messages: T[] = []
  const subscriber = (message: unknown): void => void messages.push(message as T)
  diagnosticsChannel.subscribe(name, subscriber)
  onTestFinished(() => void diagnosticsChannel.unsubscribe(name, subscriber))
  return messages
}
