import { addFolder, type FolderOptions } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { expect, test } from 'vitest'

/** The folder that is found for arguments. */
function folderOf(args: readonly string[], inHome?: FolderOptions['inHome']): string {
  const program = new Command('things').exitOverride().configureOutput({ writeErr: () => {} })
  const find = addFolder(program, { what: 'box', cwd: '/here', ...(inHome && { inHome }) })
  program.parse(args, { from: 'user' })
  return find(program.opts())
}

test('a folder is named from the working directory on, or by an absolute path', () => {
  expect(folderOf(['--path', 'a/../box'])).toBe('/here/box')
  expect(folderOf(['--path', '/box'], { home: '/home', name: 'things' })).toBe('/box')
})

test('one that is not named is that in the home, if there is one', () => {
  expect(folderOf([], { home: '/home', name: 'things' })).toBe('/home/things')
  expect(folderOf([], { home: 'home', name: 'things' })).toBe('/here/home/things')
  const wrong = { code: 'COMMAND_USAGE', message: 'Name the folder of the box with --path' }
  for (const inHome of [undefined, { home: undefined, name: 'things' }, { home: '', name: 'things' }]) {
    expect(() => folderOf([], inHome)).toThrow(expect.objectContaining(wrong) as Error)
  }
})

test('an empty path is refused: it would be the working directory', () => {
  expect(() => folderOf(['--path', ''])).toThrow('A path is not empty.')
})

test('help says which one is meant when none is named', () => {
  const program = new Command('things')
  addFolder(program, { what: 'box', cwd: '/here', inHome: { home: undefined, name: 'things' } })
  expect(program.helpInformation()).toContain('folder of the box; default things in $IPFS_KIT_HOME')
})
