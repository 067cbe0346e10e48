using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.Policies;

/// <summary><c>POST /v1/policies/validate</c>: the validator of api.md 9.1, open to readers.</summary>
internal sealed class ValidatePolicy(ControlPlaneSettings settings)
{
    public Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidBody);
        var content = fields.Text("content", 0, int.MaxValue);
        if (fields.Problem() is { } problem) return problem.AsTask();
        var verdict = PolicyContent.Validate(content, settings.CustomRego);
        return (verdict.Preview is { } preview ? Answer.Ok(Valid(preview)) : Answer.Of(422, Invalid(verdict.Code!))).AsTask();
    }

    private static Action<Utf8JsonWriter> Invalid(string code) => JsonRows.Object(writer =>
    {
        writer.WriteBoolean("valid", false);
        writer.WriteString("error", "invalid_rego");
        writer.WriteString("error_description", code);
    });

    private static Action<Utf8JsonWriter> Valid(PolicyPreview preview) => JsonRows.Object(writer =>
    {
        writer.WriteBoolean("valid", true);
        writer.WriteString("schema_version", PolicyContent.SchemaVersion);
        writer.WriteString("input_schema_version", PolicyContent.SchemaVersion);
        writer.WriteStartObject("output_contract");
        writer.WriteString("package", PolicyContent.Package);
        writer.WriteString("rule", "result");
        writer.Texts("decision", ["allow", "deny"]);
        writer.Texts("evaluation_status", ["complete"]);
        writer.WriteEndObject();
        writer.WriteStartObject("preview");
        writer.WriteString("package", preview.Package);
        writer.Texts("rules", preview.Rules);
        writer.WriteBoolean("default_result", preview.DefaultResult);
        writer.Texts("decisions", preview.Decisions);
        writer.Texts("inputs_referenced", preview.InputsReferenced);
        writer.Texts("data_referenced", preview.DataReferenced);
        if (preview.Custom) writer.WriteBoolean("custom", true);
        writer.WriteEndObject();
    });
}
