/** `fs.set-attribute`, `fs.remove-attribute`, `fs.mount`, `fs.unmount`: what is noted beside files and folders. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { checkAttributes } from '../checks.ts'
import { type Content, contentPath, done, parents, path, silent } from './fields.ts'
import { filesOf, type FilesSlice, transaction } from './part.ts'

const common = {
  body: 'none',
  returns: 'value',
  scope: 'content:write',
  doors: ['cli', 'mcp-opt-in'],
  text: silent,
} as const

const name = z
  .string()
  .refine(
    (text) => isAttribute(text, ''),
    'has 1 to 255 bytes, no NUL and no lone surrogate, and is not __proto__',
  )
  .describe('name of the attribute')

/** Sets an attribute. */
export const fsSetAttribute = operation<FilesSlice<'setAttributes'>>()({
  ...common,
  name: 'fs.set-attribute',
  summary: 'Set an own attribute of what is at a path; fs.stat tells them',
  parts: ['journal'],
  input: z.object({
    path,
    name,
    value: z
      .string()
      .refine((text) => isAttribute('name', text), 'has no lone surrogate')
      .describe('its text'),
    transaction,
  }),
  output: done,
  effect: 'write',
  idempotent: true,
  async run({ journal }, input, { signal }) {
    const files = filesOf(journal, input.transaction)
    await files.setAttributes(input.path, { [input.name]: input.value }, { signal })
    return { path: input.path }
  },
})

/** Removes an attribute. */
export const fsRemoveAttribute = operation<FilesSlice<'setAttributes'>>()({
  ...common,
  name: 'fs.remove-attribute',
  summary: 'Remove an own attribute of what is at a path, if it has it',
  parts: ['journal'],
  input: z.object({ path, name, transaction }),
  output: done,
  effect: 'destructive',
  idempotent: true,
  async run({ journal }, input, { signal }) {
    const files = filesOf(journal, input.transaction)
    await files.setAttributes(input.path, { [input.name]: undefined }, { signal })
    return { path: input.path }
  },
})

/** Mounts. */
export const fsMount = operation<FilesSlice<'mount'> & Content>()({
  ...common,
  name: 'fs.mount',
  summary: 'Put content that has a CID at a path as a mount, which nothing changes; all of it has to be here',
  parts: ['journal', 'ipfs'],
  input: z.object({
    path,
    cid: contentPath,
    writable: z.boolean().default(false).describe('let it be changed; what the CID names stays as it is'),
    parents,
    transaction,
  }),
  output: z.object({ path: z.string(), cid: z.string() }),
  effect: 'write',
  text: ({ cid }) => cid,
  async run({ journal, ipfs }, { path: at, writable, ...input }, { signal }) {
    const cid = await ipfs.files.resolve(input.cid, { signal })
    const options = { writable, parents: input.parents, signal }
    await filesOf(journal, input.transaction).mount(at, cid, options)
    return { path: at, cid: cid.toString() }
  },
})

/** Unmounts. */
export const fsUnmount = operation<FilesSlice<'unmount'>>()({
  ...common,
  name: 'fs.unmount',
  summary: 'Remove a mount from the tree',
  parts: ['journal'],
  input: z.object({
    path,
    keep: z.boolean().default(false).describe('leave what is there, as files and folders like others'),
    transaction,
  }),
  output: done,
  effect: 'destructive',
  async run({ journal }, { path: at, keep, transaction: id }, { signal }) {
    await filesOf(journal, id).unmount(at, { keep, signal })
    return { path: at }
  },
})

function isAttribute(attribute: string, value: string): boolean {
  try {
    checkAttributes({ [attribute]: value })
    return true
  } catch {
    return false
  }
}
