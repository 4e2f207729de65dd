/* SPDX-License-Identifier: BSD-2-Clause */
/* What the doctor has found. */
#include "config.h"

#include "control/findings.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdlib.h>

struct finding {
    enum kt_finding kind;
    const char *area, *text, *remedy; /**< remedy: NULL where none is needed */
};

struct kt_findings {
    unsigned count;
    struct finding *list;
};

static const char *const names[] = {
    [KT_FINDING_OK] = "ok",
    [KT_FINDING_ADVICE] = "advice",
    [KT_FINDING_WRONG] = "wrong",
};

struct kt_findings *kt_findings_new(TALLOC_CTX *context)
{
    return talloc_zero(context, struct kt_findings);
}

void kt_finding_add(struct kt_findings *findings, enum kt_finding kind, const char *area,
                    const char *remedy, const char *format, ...)
{
    struct finding *list =
        talloc_realloc(findings, findings->list, struct finding, findings->count + 1);
    if (list == NULL)
        abort(); /* of a program that has nothing to lose */
    findings->list = list;
    va_list arguments;
    va_start(arguments, format);
    list[findings->count++] = (struct finding){
        .kind = kind,
        .area = talloc_strdup(findings, area),
        .text = talloc_vasprintf(findings, format, arguments),
        .remedy = remedy != NULL ? talloc_strdup(findings, remedy) : NULL,
    };
    va_end(arguments);
}

unsigned kt_findings_count(const struct kt_findings *findings, enum kt_finding kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < findings->count; i++)
        count += findings->list[i].kind == kind;
    return count;
}

/** Write a text without what a terminal would take for a command. */
static void print_text(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, stream);
}

void kt_findings_print(const struct kt_findings *findings, FILE *stream)
{
    for (unsigned i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        fprintf(stream, "%-7s %-14s ", names[finding->kind], finding->area);
        print_text(stream, finding->text);
        fputc('\n', stream);
        if (finding->remedy == NULL)
            continue;
        fprintf(stream, "%-22s → ", "");
        print_text(stream, finding->remedy);
        fputc('\n', stream);
    }
    unsigned wrong = kt_findings_count(findings, KT_FINDING_WRONG);
    if (wrong == 0)
        fprintf(stream, "\nNothing is wrong.\n");
    else
        fprintf(stream, "\n%u thing%s wrong.\n", wrong, wrong == 1 ? " is" : "s are");
}

void kt_findings_print_json(const struct kt_findings *findings, FILE *stream)
{
    cJSON *document = cJSON_CreateObject();
    cJSON_AddBoolToObject(document, "ok", kt_findings_count(findings, KT_FINDING_WRONG) == 0);
    cJSON *list = cJSON_AddArrayToObject(document, "findings");
    for (unsigned i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "state", names[finding->kind]);
        cJSON_AddStringToObject(item, "area", finding->area);
        cJSON_AddStringToObject(item, "text", finding->text);
        if (finding->remedy != NULL)
            cJSON_AddStringToObject(item, "remedy", finding->remedy);
        cJSON_AddItemToArray(list, item);
    }
    char *text = cJSON_Print(document);
    if (text != NULL)
        fprintf(stream, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(document);
}
