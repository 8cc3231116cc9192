import { readFileSync } from 'node:fs'
import { GatewayError, gatewayErrors, type GatewayErrorCode } from '@ipfs-kit/gateway'
import { expect, test } from 'vitest'

const codes = Object.keys(gatewayErrors) as GatewayErrorCode[]

test('the README has a row for each code and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const lines = readme.split('\n').filter((line) => line.startsWith('| `GATEWAY_'))
  const rows = lines.map((line) =>
    Array.from(line.slice(2, -2).split(' | '), (cell) => cell.trim().replaceAll(/\\([<|])/g, '$1')),
  )
  expect(rows).toEqual(
    codes.map((code) => [
      `\`${code}\``,
      gatewayErrors[code].kind,
      gatewayErrors[code].when,
      gatewayErrors[code].next,
    ]),
  )
})

test.each(codes)('%s is answered and tested', (code) => {
  const error = new GatewayError(code, 'what happened')
  expect(error).toMatchObject({
    code,
    kind: gatewayErrors[code].kind,
    next: gatewayErrors[code].next,
    message: 'what happened',
  })
  const tests = ['paths', 'ranges', 'archives', 'nodes', 'hosts', 'files'].map((name) =>
    readFileSync(new URL(`./${name}.test.ts`, import.meta.url), 'utf8'),
  )
  expect(tests.join('')).toContain(code)
})
