package rows;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPResponse;
import com.amazonaws.services.lambda.runtime.events.S3Event;
import com.amazonaws.services.lambda.runtime.events.SNSEvent;
import com.amazonaws.services.lambda.runtime.events.SQSBatchResponse;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
import com.amazonaws.services.lambda.runtime.events.ScheduledEvent;
import java.util.List;
import java.util.Map;

/** Takes the classes of AWS's events. */
public class Events {
    public String s3(S3Event event, Context context) {
        var record = event.getRecords().get(0);
        return record.getS3().getBucket().getName() + " " + record.getS3().getObject().getUrlDecodedKey() + " " + record.getEventTime().getMillis();
    }

    public S3Event s3Back(S3Event event) {
        return event;
    }

    public String sns(SNSEvent event) {
        var sns = event.getRecords().get(0).getSNS();
        return sns.getMessage() + " " + sns.getTimestamp().getMillis() + " " + sns.getMessageAttributes().get("a").getValue();
    }

    public SQSBatchResponse sqs(SQSEvent event) {
        return new SQSBatchResponse(List.of(new SQSBatchResponse.BatchItemFailure(event.getRecords().get(0).getMessageId())));
    }

    public String scheduled(ScheduledEvent event) {
        return event.getDetailType() + " " + event.getTime().getMillis();
    }

    public APIGatewayV2HTTPResponse http(APIGatewayV2HTTPEvent event) {
        return APIGatewayV2HTTPResponse.builder().withStatusCode(200).withBody(event.getRequestContext().getHttp().getMethod()).withHeaders(Map.of("x", "y")).build();
    }
}
