import banning from './banning.mjs';
import limited from './limited.mjs';
import plain from './plain.mjs';
import secure from './secure.mjs';
import sessions from './sessions.mjs';
import several from './several.mjs';
import strict from './strict.mjs';
import undefaulted from './undefaulted.mjs';
import unhashed from './unhashed.mjs';

/** The same settings, said to both sides. */
export const PROFILES = [plain, strict, limited, unhashed, sessions, several, undefaulted, banning, secure];
