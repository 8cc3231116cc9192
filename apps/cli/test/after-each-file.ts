/** Run with each test file, which shares its process with others: what a file has started and made ends with it. */
import { afterAll } from 'vitest'
import { endCommands } from './command.ts'
import { closeAgents } from './mcp-client.ts'
import { removeFolders } from './temporary-folder.ts'

afterAll(async () => {
  await closeAgents()
  await endCommands()
  removeFolders()
})
