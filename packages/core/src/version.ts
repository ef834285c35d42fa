/** The version of every package of the mesh: they are released together. */
export const VERSION = "0.1.0";
