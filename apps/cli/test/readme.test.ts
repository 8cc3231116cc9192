import { readFile } from 'node:fs/promises'
import { kitOperations } from '@ipfs-kit/kit/operations'
import { type AnyOperation, doorsOf } from '@ipfs-kit/operations'
import { describe, expect, test } from 'vitest'

const operations: readonly AnyOperation[] = kitOperations
const readmes = { cli: '../README.md', 'mcp-server': '../../mcp-server/README.md' }
const textOf = (readme: keyof typeof readmes): Promise<string> =>
  readFile(new URL(readmes[readme], import.meta.url), 'utf8')

test('the README of the command line has every command, and no other', async () => {
  const [, commands] = /^\| command .*\n\| -.*\n((?:\|.*\n)+)/m.exec(await textOf('cli'))!
  const names = commands!
    .split('\n')
    .flatMap((row) => row.split('|')[1]?.match(/(?<=`)[a-z -]*[a-z]/g) ?? [])
    // What stands between two names is no name.
    .filter((name) => !name.startsWith(' '))
  const expected = operations
    .filter((entry) => doorsOf(entry).includes('cli'))
    .map(({ command, name }) => command?.name ?? name.replace('.', ' '))
  expect(names.toSorted()).toEqual([...expected, 'serve', 'mcp'].toSorted())
})

describe.each(['cli', 'mcp-server'] as const)('the README of %s', (readme) => {
  test('has every tool, and no other', async () => {
    const [, tools] = /The tools are (`[^.]*`)\./.exec(await textOf(readme))!
    const expected = operations
      .filter((entry) => doorsOf(entry).includes('mcp'))
      .map(({ name }) => name.replace('.', '_'))
    expect(tools!.match(/[a-z_]+(?=`)/g)!.toSorted()).toEqual(expected.toSorted())
  })
})
