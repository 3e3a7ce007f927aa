// findings.cpp - a list of findings: one for each kind and place, the first time in detail and the rest counted.
#include "findings.h"
#include <dlfcn.h>
#include <map>
#include <string.h>
#include <vector>

namespace cudasim {
namespace {
enum : size_t { MOST = 200 };
struct Finding {
  const char *kind;
  std::string kernel, detail;
  const void *pc, *other_pc;
  uint3 block, thread, other_block, other_thread;
  bool on_device, has_other;
  int64_t count;
  std::string file;
  int line;
};
std::vector<Finding> findings;
std::map<std::string, int64_t> launches; // of each kernel, since the list was cleared
int64_t left_out = 0;

uint3 block_number(const Launch &launch, int64_t number) {
  const dim3 g = launch.config->grid;
  const uint64_t b = uint64_t(number);
  return {unsigned(b % g.x), unsigned(b / g.x % g.y), unsigned(b / g.x / g.y)};
}

void add_text(std::string &to, const std::string &text) {
  to += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') to += '\\';
    if (static_cast<unsigned char>(c) >= 32) to += c;
  }
  to += '"';
}
void add_place(std::string &to, const char *name, const void *pc) { // the library, and how far into it
  Dl_info info;
  to += format(",\"%s\":", name);
  if (!pc || !dladdr(pc, &info)) {
    to += "null";
    return;
  }
  to += "[";
  add_text(to, info.dli_fname);
  to += format(",%llu]", (unsigned long long)(static_cast<const char *>(pc) - static_cast<char *>(info.dli_fbase)));
}
void add_index(std::string &to, const char *name, uint3 v) { to += format(",\"%s\":[%u,%u,%u]", name, v.x, v.y, v.z); }
} // namespace

void found(const char *kind, const void *pc, int thread, const std::string &detail, const void *other_pc, int other_thread,
           int64_t other_block) {
  Worker *w = this_worker;
  const bool on_device = w && w->launch && thread >= 0;
  const std::string kernel = on_device ? w->launch->site->kernel : "";
  for (Finding &one : findings)
    if (!strcmp(one.kind, kind) && one.kernel == kernel &&
        ((one.pc == pc && one.other_pc == other_pc) || (other_pc && one.pc == other_pc && one.other_pc == pc))) {
      one.count++;
      return;
    }
  if (findings.size() >= MOST) {
    left_out++;
    return;
  }
  Finding one{kind, kernel, detail, pc, other_pc, {}, {}, {}, {}, on_device, on_device && other_thread >= 0, 1, "", 0};
  if (on_device) one.block = cudasim_here.block, one.thread = w->index[thread];
  if (one.has_other) {
    one.other_block = other_block < 0 ? cudasim_here.block : block_number(*w->launch, other_block);
    one.other_thread = w->index[other_thread];
  }
  findings.push_back(one);
}

void found_launch(const cudasim_launch_site &site, const std::string &detail) {
  for (Finding &one : findings)
    if (one.line == site.line && one.file == site.file) {
      one.count++;
      return;
    }
  if (findings.size() < MOST)
    findings.push_back({"invalid-launch", site.kernel, detail, nullptr, nullptr, {}, {}, {}, {}, false, false, 1, site.file, site.line});
}

void checked_launch(const cudasim_launch_site &site) { launches[site.kernel]++; }

bool found_race_at(const void *pc) {
  for (const Finding &one : findings)
    if (!strcmp(one.kind, "race") && (one.pc == pc || one.other_pc == pc)) return true;
  return false;
}

// Copies the findings as JSON if there is room for them; returns how many bytes they are.
CUDASIM_API int64_t cudasim_findings(char *to, int64_t room) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  std::string text = format("{\"left_out\":%lld,\"findings\":[", (long long)left_out);
  bool first = true;
  for (const Finding &one : findings) {
    text += first ? "{\"kind\":" : ",{\"kind\":";
    first = false;
    add_text(text, one.kind);
    text += ",\"kernel\":";
    add_text(text, one.kernel);
    text += ",\"detail\":";
    add_text(text, one.detail);
    text += format(",\"count\":%lld", (long long)one.count);
    add_place(text, "place", one.pc);
    add_place(text, "other_place", one.other_pc);
    if (one.line) {
      text += ",\"file\":";
      add_text(text, one.file);
      text += format(",\"line\":%d", one.line);
    }
    if (one.on_device) add_index(text, "block", one.block), add_index(text, "thread", one.thread);
    if (one.has_other) add_index(text, "other_block", one.other_block), add_index(text, "other_thread", one.other_thread);
    text += "}";
  }
  text += "],\"launches\":{";
  first = true;
  for (const auto &one : launches) {
    text += first ? "" : ",";
    first = false;
    add_text(text, one.first);
    text += format(":%lld", (long long)one.second);
  }
  text += "}}";
  if (int64_t(text.size()) <= room) memcpy(to, text.data(), text.size());
  return int64_t(text.size());
}

CUDASIM_API void cudasim_clear_findings(void) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  findings.clear();
  launches.clear();
  left_out = 0;
}
} // namespace cudasim
