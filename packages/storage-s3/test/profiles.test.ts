import { readFile } from 'node:fs/promises'
import { s3Profiles, type S3Profile } from '@ipfs-kit/storage-s3'
import { expect, test } from 'vitest'

const yes = (value: boolean): string => (value ? 'yes' : 'no')
const code = (text: string): string => `\`${text}\``

function row(name: string, profile: S3Profile): string[] {
  const { region, endpoint, pathStyle, checksums, equalParts } = profile
  const conditions = [profile.conditionalPut, profile.conditionalReplace, profile.conditionalMultipart]
  return [
    code(name),
    region === undefined ? 'to be given' : code(region),
    endpoint === undefined ? 'to be given' : endpoint === 'of-region' ? 'of the region' : code(endpoint),
    pathStyle ? 'path' : 'host',
    code(checksums),
    yes(equalParts),
    conditions.map(yes).join(', '),
  ]
}

test('the table of profiles in the README equals the source', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rows = readme.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  const from = rows.findIndex(([first]) => first === 'profile')
  const to = rows.findIndex((cells, index) => index > from && cells.length === 0)
  const expected = Object.entries(s3Profiles).map(([name, profile]) => row(name, profile))
  expect(rows.slice(from + 2, to)).toEqual(expected)
})
