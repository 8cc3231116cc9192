/**
 * The operations of secrets and tokens, as entries for the table that `kit` joins. They need the parts `credentials` and
 * `tokens` and the scope `admin`, and are no tools for agents.
 *
 * @packageDocumentation
 */
import {
  credentialsAdd,
  credentialsCheck,
  credentialsList,
  credentialsRemove,
  credentialsRotate,
} from './operations/secrets.ts'
import { tokenCreate, tokenList, tokenRevoke } from './operations/tokens.ts'

export {
  credentialsAdd,
  credentialsCheck,
  credentialsList,
  credentialsRemove,
  credentialsRotate,
  tokenCreate,
  tokenList,
  tokenRevoke,
}

/** All entries. */
export const credentialsOperations = [
  credentialsAdd,
  credentialsList,
  credentialsCheck,
  credentialsRotate,
  credentialsRemove,
  tokenCreate,
  tokenList,
  tokenRevoke,
] as const
