using Caracal.Authority.AgentServices;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AgentServices;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.AgentServices;

/// <summary><c>POST …/agent-services</c>: an application says where its service is; saying it again changes the rest (coordinator.md 7).</summary>
internal sealed class RegisterService(Changes changes, DatabaseClock clock, CoordinatorDirectory directory, AgentServiceStore services)
{
    private const int MaximumUrlLength = 2_048;

    public async Task<Reply> HandleAsync(Call call)
    {
        var (service, issues) = Read(call);
        if (issues.Count > 0)
        {
            return Reply.Invalid(issues);
        }

        if (!call.Caller.MayActFor(service.ApplicationId))
        {
            return SessionRefusals.ApplicationOwnershipRequired;
        }

        return await changes.RunAsync(call, async work =>
        {
            var now = Timestamps.TruncateToMicroseconds(clock.Now);
            var application = await directory.FindApplicationAsync(work.Connection, call.ZoneId, service.ApplicationId);
            if (application?.IsLive(now) != true)
            {
                return SessionRefusals.ApplicationNotFound;
            }

            var row = await services.RegisterAsync(work, service, now);
            return Reply.Json(201, writer => AgentServiceJson.Write(writer, row));
        });
    }

    private static (AgentService Service, IReadOnlyList<BodyIssue> Issues) Read(Call call)
    {
        var body = new BodyReader(call.Body);
        var url = body.RequiredText("endpoint_url");
        if (url.Length > MaximumUrlLength || (url.Length > 0 && !IsUrl(url)))
        {
            body.AddIssue($"Expected a URL without credentials of at most {MaximumUrlLength} characters", "endpoint_url");
        }

        var framework = body.Member("framework");
        var nested = new BodyReader(framework);
        var name = framework.ValueKind == System.Text.Json.JsonValueKind.Undefined ? null : nested.RequiredText("name");
        var service = new AgentService
        {
            Id = Ids.New(),
            ZoneId = call.ZoneId,
            ApplicationId = body.RequiredText("application_id"),
            EndpointUrl = url,
            ProtocolVersions = body.Texts("protocol_versions"),
            FrameworkName = name,
            FrameworkVersion = nested.OptionalText("version"),
            Capabilities = body.Texts("capabilities"),
            MetadataJson = body.ObjectText("metadata"),
        };
        foreach (var issue in nested.Issues)
        {
            body.AddIssue(issue.Message, ["framework", .. issue.Path]);
        }

        return (service, body.Issues);
    }

    private static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0 && url.UserInfo.Length == 0;
}
