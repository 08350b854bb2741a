/* attack(MODE, MS) for Node: see hostile.h. The few functions of Node-API that are needed are
 * declared here, so that no headers of a Node version are. */
#include "hostile.h"

typedef struct napi_env_s* napi_env;
typedef struct napi_value_s* napi_value;
typedef struct napi_callback_info_s* napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
int napi_create_function(napi_env, const char*, size_t, napi_callback, void*, napi_value*);
int napi_get_cb_info(napi_env, napi_callback_info, size_t*, napi_value*, napi_value*, void**);
int napi_get_value_string_utf8(napi_env, napi_value, char*, size_t, size_t*);
int napi_get_value_uint32(napi_env, napi_value, uint32_t*);
int napi_get_boolean(napi_env, int, napi_value*);

static napi_value run_attack(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result = NULL;
  size_t count = 2, length;
  char mode[32] = "";
  uint32_t milliseconds = 0;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_string_utf8(env, arguments[0], mode, sizeof mode, &length);
  napi_get_value_uint32(env, arguments[1], &milliseconds);
  void* (*current)(void) = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv");
  const int known = attack(mode, milliseconds, current ? current() : NULL);
  napi_get_boolean(env, known, &result);
  return result;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env,
                                                                          napi_value exports) {
  napi_value function = exports;
  prepare_attacks();
  napi_create_function(env, "attack", sizeof "attack" - 1, run_attack, NULL, &function);
  return function;
}
