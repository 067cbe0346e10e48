using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.Policies;

/// <summary><c>GET /v1/policy-templates</c>: a bare array.</summary>
internal static class ListPolicyTemplates
{
    public static Task<Answer> HandleAsync(ApiCall call) => Answer.Ok(writer =>
    {
        writer.WriteStartArray();
        foreach (var template in PolicyTemplates.All)
        {
            writer.WriteStartObject();
            writer.WriteString("id", template.Id);
            writer.WriteString("name", template.Name);
            writer.WriteString("description", template.Description);
            writer.WriteString("content", template.Content);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }).AsTask();
}
