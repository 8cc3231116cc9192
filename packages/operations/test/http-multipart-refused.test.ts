import { describe, expect, test } from 'vitest'
import { serve } from './http-server.ts'
import { failedField, form, formType, list, part } from './http-forms.ts'

describe('refused with OPERATION_BODY_INVALID is', () => {
  const file = part('name="file"; filename="a"', 'a')
  const cases: [string, string | Buffer, Record<string, string>?][] = [
    ['a body without boundary', form(file), { 'content-type': 'multipart/form-data' }],
    ['a body that never has its boundary', 'x'.repeat(100_000)],
    ['an empty body', ''],
    ['a body that ends in a file', form(file).subarray(0, -12)],
    ['a body that ends in a header', form(file).subarray(0, 30)],
    ['a boundary with something behind it', form(file).toString().replace('--edge\r\n', '--edges\r\n')],
    ['a part without a name', form(part('filename="a"', ''))],
    ['a part that is no form-data', form('--edge\r\ncontent-disposition: attachment; name="a"\r\n\r\n\r\n')],
    ['a part with a broken disposition', form(part('name="a" x', ''))],
    ['a part with a broken header', form(part('name="a"', '', 'nonsense\r\n'))],
    [
      'a part in base64',
      form(part('name="file"; filename="a"', 'YQ==', 'Content-Transfer-Encoding: base64\r\n')),
    ],
    ['a name that is no UTF-8', form(part('name="file"; filename="\xff"', ''))],
    ['a name whose encoding is broken', form(part(`name="file"; filename*=UTF-8''%ff`, ''))],
    ['a name in another charset', form(part(`name="file"; filename*=latin1''a`, ''))],
    ['endless headers', form(part('name="file"; filename="a"', '', `x: ${'x'.repeat(20_000)}\r\n`))],
    ['a field that is not known', form(part('name="other"', ''))],
    ['a failure that is no JSON', form(part('name="failed"', 'x'))],
    ['a failure without its fields', form(part('name="failed"', '{"path":"a"}'))],
    ['a failure with an unusable path', form(failedField('../a'))],
    ...['../a', 'a/../b', './a', 'a//b', '/a', '', '.', '..', 'a/', 'a\0b', 'a\\', 'x'.repeat(4_097)].map(
      (path): [string, Buffer] => [
        `the path ${JSON.stringify(path.slice(0, 20))}`,
        form(part(`name="file"; filename="${path}"`, '')),
      ],
    ),
  ]
  test.each(cases)('%s', async (_title, body, headers = formType) => {
    const { url } = await serve([list])
    const response = await fetch(`${url}/test/list`, { method: 'POST', headers, body })
    expect(await response.json()).toMatchObject({ code: 'OPERATION_BODY_INVALID' })
    expect(response.status).toBe(400)
  })

  test('an unusable path of a raw body, and two names for one body', async () => {
    const { url } = await serve([list])
    const raw = { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: 'x' }
    for (const path of ['..', '/etc/passwd', 'a%00b', '']) {
      const response = await fetch(`${url}/test/list?filename=${path}`, raw)
      expect(await response.json()).toMatchObject({ code: 'OPERATION_BODY_INVALID' })
    }
    const both = await fetch(`${url}/test/list?filename=a`, {
      method: 'POST',
      headers: formType,
      body: form(file),
    })
    expect(both.status).toBe(400)
    expect((await fetch(`${url}/test/list?filename=a&filename=b`, raw)).status).toBe(400)
  })
})

test('the number of files and the size of a failure have limits', async () => {
  const { url } = await serve([list], { limits: { maxFiles: 2 } })
  const file = part('name="file"; filename="a"', 'a')
  const send = (body: Buffer): Promise<Response> =>
    fetch(`${url}/test/list`, { method: 'POST', headers: formType, body })
  expect((await send(form(file, file))).status).toBe(200)
  const many = await send(form(file, file, file))
  expect([many.status, await many.json()]).toMatchObject([413, { code: 'OPERATION_BODY_TOO_LARGE' }])
  expect((await send(form(part('name="failed"', 'x'.repeat(70_000))))).status).toBe(413)
})

test('JSON and forms of other kinds are refused', async () => {
  const { url } = await serve([list])
  for (const other of [
    'application/json',
    'multipart/mixed; boundary=edge',
    'text/plain',
    'application/x-www-form-urlencoded',
  ]) {
    const response = await fetch(`${url}/test/list`, {
      method: 'POST',
      headers: { 'content-type': other },
      body: 'x',
    })
    expect([response.status, await response.json()]).toMatchObject([
      415,
      { message: expect.stringMatching(/multipart\/form-data/) },
    ])
  }
})
