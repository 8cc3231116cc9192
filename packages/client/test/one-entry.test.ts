import { operation } from '@ipfs-kit/operations'
import { openApiDocument } from '@ipfs-kit/operations/openapi'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { serve } from './server.ts'

/** What there is already. */
const table = [
  operation<object>()({
    name: 'clock.zone',
    summary: 'Name the time zone.',
    parts: [],
    input: z.object({}),
    output: z.object({ zone: z.string() }),
    body: 'none',
    returns: 'value',
    effect: 'read',
    scope: 'content:read',
    run: async () => ({ zone: 'UTC' }),
  }),
] as const

/** All that is written to add an operation. */
const added = operation<object>()({
  name: 'text.repeat',
  summary: 'Repeat a text.',
  parts: [],
  input: z.object({ text: z.string(), times: z.int().min(0).max(100).default(2) }),
  output: z.object({ repeated: z.string() }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  run: async (_parts, { text, times }) => ({ repeated: text.repeat(times) }),
})

test('adding an operation is one entry: it is a route, a typed call and part of the documentation', async () => {
  const operations = [...table, added] as const
  const { client, url } = await serve(operations)

  const byGet = await fetch(`${url}/api/v1/text/repeat?text=ab&times=3`)
  expect(await byGet.json()).toEqual({ repeated: 'ababab' })
  const byPost = await fetch(`${url}/api/v1/text/repeat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'ab' }),
  })
  expect(await byPost.json()).toEqual({ repeated: 'abab' })

  const answer = await client.call('text.repeat', { text: 'x', times: 4 })
  expectTypeOf(answer).toEqualTypeOf<{ repeated: string }>()
  expect(answer).toEqual({ repeated: 'xxxx' })
  await expect(client.call('text.repeat', { text: 'x', times: 101 })).rejects.toMatchObject({
    code: 'OPERATION_INVALID_INPUT',
    kind: 'invalid',
    status: 400,
  })

  const { paths } = openApiDocument({ operations, title: 'Test', version: '1' })
  expect(paths['/api/v1/text/repeat']).toMatchObject({
    get: { operationId: 'text.repeat.get', summary: 'Repeat a text.' },
    post: { operationId: 'text.repeat' },
  })
})

test('without its entry there is none of it', async () => {
  const { client, url } = await serve(table)
  expect((await fetch(`${url}/api/v1/text/repeat?text=ab`)).status).toBe(404)
  // @ts-expect-error: the table does not have it
  await expect(client.call('text.repeat', { text: 'x' })).rejects.toMatchObject({ code: 'OPERATION_UNKNOWN' })
})
