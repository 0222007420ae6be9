// One program that is all tools, as it is shipped: which one is the name that it was started by.
// Linked by Scripts/build from the objects of the tools themselves, whose main functions SwiftPM names
// after their modules (docs/decisions/0077).
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOOLS(tool)                                                                                \
    tool("dedup", dedup_main)                                                                      \
    tool("fan-out", fan_out_main)                                                                  \
    tool("healthd", healthd_main)                                                                  \
    tool("kinesis-put", kinesis_put_main)                                                          \
    tool("ledgerctl", ledgerctl_main)                                                              \
    tool("recq", recq_main)                                                                        \
    tool("rest-pull", rest_pull_main)                                                              \
    tool("s3-put", s3_put_main)                                                                    \
    tool("sbe-tap", sbe_tap_main)

#define DECLARE(name, function) int function(int count, char **arguments);
TOOLS(DECLARE)

#define ROW(name, function) {name, function},
static const struct {
    const char *name;
    int (*run)(int, char **);
} tools[] = {TOOLS(ROW)};
static const size_t tool_count = sizeof tools / sizeof *tools;

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// bitcoin-ingestor run ...: a script of the pipelines, which are installed beside the programs.
static void run_pipeline(char **arguments) {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0 || strchr(arguments[0], '/') || arguments[0][0] == '.') return;
    path[length] = 0;
    for (int parts = 0; parts < 2; parts++) {
        char *slash = strrchr(path, '/');
        if (!slash) return;
        *slash = 0;
    }
    const char *folder = "/share/bitcoin-ingestor/pipelines/";
    if (strlen(path) + strlen(folder) + strlen(arguments[0]) >= sizeof path) return;
    strcat(strcat(path, folder), arguments[0]);
    execv(path, arguments);
}

static int usage(FILE *out) {
    fputs("usage: bitcoin-ingestor run [--config FILE] [--mode rest|sbe|both|capture|two-sinks] [--once]\n"
          "       bitcoin-ingestor PIPELINE [ARGUMENTS]\n"
          "       bitcoin-ingestor TOOL [OPTIONS]\n"
          "The pipelines: run live capture backfill both two-sinks replay demo\n"
          "The tools, which have links of their own names beside this program:", out);
    for (size_t index = 0; index < tool_count; index++) fprintf(out, " %s", tools[index].name);
    fputs("\nEach says more with --help.\n", out);
    return out == stdout ? 0 : 64;
}

int main(int count, char **arguments) {
    if (count > 0) {
        const char *name = last_part(arguments[0]);
        for (size_t index = 0; index < tool_count; index++) {
            if (strcmp(name, tools[index].name) == 0) return tools[index].run(count, arguments);
        }
    }
    if (count < 2) return usage(stderr);
    if (strcmp(arguments[1], "-h") == 0 || strcmp(arguments[1], "--help") == 0) return usage(stdout);
    for (size_t index = 0; index < tool_count; index++) {
        if (strcmp(arguments[1], tools[index].name) != 0) continue;
        // Started again, so that the tool gets its arguments from the kernel as ever.
        execv("/proc/self/exe", arguments + 1);
        perror("bitcoin-ingestor: cannot start itself again");
        return 70;
    }
    run_pipeline(arguments + 1);
    fprintf(stderr, "bitcoin-ingestor: no tool and no pipeline is called %s\n", arguments[1]);
    return usage(stderr);
}
