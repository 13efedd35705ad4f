/** The location of the installed package. */

/** The folder that holds package.json, dist/, templates/ and shims/, as a URL that ends with a slash. */
export const packageRoot = new URL('../../', import.meta.url);
