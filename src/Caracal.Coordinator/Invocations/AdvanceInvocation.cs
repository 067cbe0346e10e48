using System.Text.Json;
using Caracal.Authority.Invocations;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Invocations;

namespace Caracal.Coordinator.Invocations;

/// <summary><c>PATCH …/invocations/{id}/start|cancel|complete</c>: one step of an invocation, told in the same transaction (coordinator.md 9).</summary>
internal sealed class AdvanceInvocation(
    Changes changes, DatabaseClock clock, InvocationStore invocations, InvocationLimit limit, InvocationMessages messages)
{
    private const int MaximumReasonLength = 256;

    /// <summary>The next attempt begins.</summary>
    public Task<Reply> StartAsync(Call call) => RunAsync(call, InvocationRefusals.NotStartable, InvocationRules.Start);

    /// <summary>Ends it, or asks whoever runs it to end.</summary>
    public Task<Reply> CancelAsync(Call call)
    {
        var body = new BodyReader(call.Body);
        var reason = body.OptionalText("reason", MaximumReasonLength);
        return body.IsValid
            ? RunAsync(call, InvocationRefusals.NotCancelable, (invocation, now) => InvocationRules.Cancel(invocation, reason, now))
            : Task.FromResult(Reply.Invalid(body.Issues));
    }

    /// <summary>The attempt is over.</summary>
    public Task<Reply> CompleteAsync(Call call)
    {
        var body = new BodyReader(call.Body);
        var status = body.RequiredText("status");
        if (body.IsValid && status is not (InvocationStatus.Succeeded or InvocationStatus.Failed))
        {
            body.AddIssue("Expected one of: succeeded, failed", "status");
        }

        var metadata = body.Member("metadata").ValueKind == JsonValueKind.Undefined ? null : body.ObjectText("metadata");
        var fault = body.Member("error");
        var error = fault.ValueKind == JsonValueKind.Undefined ? null : fault.GetRawText();
        return body.IsValid
            ? RunAsync(
                call, InvocationRefusals.NotCompletable,
                (invocation, now) => InvocationRules.Complete(invocation, status, error, metadata, now))
            : Task.FromResult(Reply.Invalid(body.Issues));
    }

    private async Task<Reply> RunAsync(Call call, Refusal raced, Func<Invocation, DateTimeOffset, InvocationStep> rule)
    {
        var limited = await limit.CheckAsync(call);
        return await changes.RunAsync(call, async work =>
        {
            if (await invocations.FindAsync(work.Connection, call.ZoneId, call.Id) is not { } invocation)
            {
                return InvocationRefusals.NotFound;
            }

            if (!call.Caller.MayInvokeFrom(invocation.ServiceApplicationId))
            {
                return InvocationRefusals.InvokerOwnershipRequired;
            }

            if (limited is not null)
            {
                return limited;
            }

            var now = Timestamps.TruncateToMicroseconds(clock.Now);
            var step = rule(invocation, now);
            if (step.Next is not { } next)
            {
                return step.Refusal!;
            }

            // Two callers that saw the same row: the second finds it moved on.
            if (!await invocations.UpdateAsync(work, invocation, next))
            {
                return raced;
            }

            await messages.AnnounceAsync(work, next, step.Event, now);
            return Reply.Ok(writer => InvocationJson.WriteRow(writer, next));
        });
    }
}
