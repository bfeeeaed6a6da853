// memjs ships no types; what the pinboard uses of it.
declare module 'memjs' {
  interface Client {
    get(key: string): Promise<{ value: Buffer | null }>;
    set(key: string, value: string, options: { expires: number }): Promise<boolean>;
    close(): void;
  }
  const memjs: { Client: { create(servers: string): Client } };
  export default memjs;
}
